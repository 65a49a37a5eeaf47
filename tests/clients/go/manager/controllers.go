package manager

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/recorder"
)

const (
	finalizer = "shop.example.com/receipt"
	byOwner   = "owner" // an index over apples
)

// New makes a manager with both controllers, that waits to be the leader.
func New(c *rest.Config, id string) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, err
	}
	if err := addToScheme(scheme); err != nil {
		return nil, err
	}
	lease, renew, retry, again := 3*time.Second, 2*time.Second, 250*time.Millisecond, true
	m, err := ctrl.NewManager(c, ctrl.Options{
		Scheme:                        scheme,
		Metrics:                       server.Options{BindAddress: "0"},
		LeaderElection:                true,
		LeaderElectionID:              id,
		LeaderElectionNamespace:       "default",
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 &lease,
		RenewDeadline:                 &renew,
		RetryPeriod:                   &retry,
		Controller:                    config.Controller{SkipNameValidation: &again},
	})
	if err != nil {
		return nil, err
	}
	if err := m.GetFieldIndexer().IndexField(context.Background(), &corev1.ConfigMap{}, byOwner, ownerName); err != nil {
		return nil, err
	}
	baskets := &basketController{m.GetClient(), m.GetEventRecorderFor("baskets"), m.GetEventRecorder("baskets")}
	if err := ctrl.NewControllerManagedBy(m).For(&Basket{}).Owns(&corev1.ConfigMap{}).Complete(baskets); err != nil {
		return nil, err
	}
	polish := &polisher{m.GetClient()}
	return m, ctrl.NewControllerManagedBy(m).Named("polisher").For(&corev1.ConfigMap{}, builder.OnlyMetadata).Complete(polish)
}

func ownerName(o client.Object) []string {
	if owner := metav1.GetControllerOf(o); owner != nil && owner.Kind == "Basket" {
		return []string{owner.Name}
	}
	return nil
}

type basketController struct {
	client.Client
	events  record.EventRecorder
	stories recorder.EventRecorder // of events.k8s.io
}

func (r *basketController) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var basket Basket
	if err := r.Get(ctx, request.NamespacedName, &basket); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !basket.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, r.finish(ctx, &basket)
	}
	if controllerutil.AddFinalizer(&basket, finalizer) {
		if err := r.Update(ctx, &basket); err != nil {
			return ctrl.Result{}, err
		}
	}
	if err := r.fill(ctx, &basket); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{}, r.tell(ctx, &basket)
}

// fill makes what is missing and removes what is too much.
func (r *basketController) fill(ctx context.Context, basket *Basket) error {
	var apples corev1.ConfigMapList
	if err := r.List(ctx, &apples, client.InNamespace(basket.Namespace), client.MatchingFields{byOwner: basket.Name}); err != nil {
		return err
	}
	have := map[string]bool{}
	for i := range apples.Items {
		have[apples.Items[i].Name] = true
	}
	for i := range basket.Spec.Apples {
		name := fmt.Sprintf("%s-%d", basket.Name, i)
		if have[name] {
			delete(have, name)
			continue
		}
		apple := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: basket.Namespace, Labels: map[string]string{"apple": "yes"}},
			Data: map[string]string{"colour": basket.Spec.Colour}}
		if err := controllerutil.SetControllerReference(basket, apple, r.Scheme()); err != nil {
			return err
		}
		if err := r.Create(ctx, apple); err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
		r.events.Eventf(basket, corev1.EventTypeNormal, "Filled", "apple %s was put in", name)
		r.stories.Eventf(basket, nil, corev1.EventTypeNormal, "Put", "Fill", "apple %s was put in", name)
	}
	for name := range have {
		apple := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: basket.Namespace}}
		if err := r.Delete(ctx, apple); client.IgnoreNotFound(err) != nil {
			return err
		}
	}
	return nil
}

func (r *basketController) tell(ctx context.Context, basket *Basket) error {
	before := basket.DeepCopyObject().(*Basket)
	basket.Status.Apples, basket.Status.ObservedGeneration = basket.Spec.Apples, basket.Generation
	meta.SetStatusCondition(&basket.Status.Conditions, metav1.Condition{Type: "Ready", Status: metav1.ConditionTrue, Reason: "Full",
		Message: "all apples are in", ObservedGeneration: basket.Generation})
	return r.Status().Patch(ctx, basket, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}

// finish leaves a receipt and lets go; the garbage collector takes the apples.
func (r *basketController) finish(ctx context.Context, basket *Basket) error {
	if !controllerutil.ContainsFinalizer(basket, finalizer) {
		return nil
	}
	receipt := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "receipt-" + basket.Name, Namespace: basket.Namespace}}
	if err := r.Create(ctx, receipt); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	controllerutil.RemoveFinalizer(basket, finalizer)
	return client.IgnoreNotFound(r.Update(ctx, basket))
}

// polisher sees only the metadata of apples, and owns one key of their data.
type polisher struct{ client.Client }

func (r *polisher) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	apple := &metav1.PartialObjectMetadata{}
	apple.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
	if err := r.Get(ctx, request.NamespacedName, apple); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if apple.Labels["apple"] == "" || !apple.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	polish := corev1apply.ConfigMap(apple.Name, apple.Namespace).WithUID(apple.UID).WithData(map[string]string{"shine": "bright"})
	err := r.Apply(ctx, polish, client.FieldOwner("polisher"), client.ForceOwnership)
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		err = nil // it went away meanwhile
	}
	return ctrl.Result{}, err
}
