package manager

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

const (
	patience = 30 * time.Second
	leader   = "baskets.shop.example.com"
)

var (
	cluster *rest.Config
	direct  client.Client // asks the server
	cached  client.Client // asks the manager's cache
)

// The environment is the served cluster, as KUBECONFIG has it; the definition is installed and removed like an operator's own.
func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	os.Exit(run(m))
}

func run(m *testing.M) int {
	existing := true
	env := &envtest.Environment{UseExistingCluster: &existing, ErrorIfCRDPathMissing: true, CRDDirectoryPaths: []string{"crd"},
		CRDInstallOptions: envtest.CRDInstallOptions{CleanUpAfterUse: true}}
	var err error
	if cluster, err = env.Start(); err != nil {
		panic(err)
	}
	defer func() {
		if err := env.Stop(); err != nil {
			panic(err)
		}
	}()
	manager, err := New(cluster, leader)
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- manager.Start(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			panic(err)
		}
	}()
	if direct, err = client.New(cluster, client.Options{Scheme: manager.GetScheme()}); err != nil {
		panic(err)
	}
	cached = manager.GetClient()
	return m.Run()
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if condition() {
			return
		}
	}
	t.Fatalf("waited %v for: %s", patience, what)
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func namespace(t *testing.T) string {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "baskets-"}}
	ok(t, direct.Create(context.Background(), ns))
	t.Cleanup(func() { _ = direct.Delete(context.Background(), ns) })
	return ns.Name
}

func apples(t *testing.T, ns string) []corev1.ConfigMap {
	t.Helper()
	var list corev1.ConfigMapList
	ok(t, direct.List(context.Background(), &list, client.InNamespace(ns), client.MatchingLabels{"apple": "yes"}))
	return list.Items
}

// filled makes a basket and waits until it is.
func filled(t *testing.T, ns, name string, count int) *Basket {
	t.Helper()
	ctx := context.Background()
	basket := &Basket{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: ns}, Spec: BasketSpec{Apples: count}}
	ok(t, direct.Create(ctx, basket))
	eventually(t, "a ready basket", func() bool {
		ok(t, direct.Get(ctx, client.ObjectKeyFromObject(basket), basket))
		return meta.IsStatusConditionTrue(basket.Status.Conditions, "Ready") && basket.Status.ObservedGeneration == basket.Generation
	})
	return basket
}

func TestFilling(t *testing.T) {
	ctx, ns := context.Background(), namespace(t)
	basket := filled(t, ns, "b", 3)
	if got := len(apples(t, ns)); got != 3 {
		t.Fatalf("%d apples, want 3", got)
	}
	if basket.Spec.Colour != "red" || apples(t, ns)[0].Data["colour"] != "red" {
		t.Fatalf("the default colour is missing: %+v", basket.Spec)
	}
	// What changes is followed, in both directions.
	for _, count := range []int{5, 1} {
		ok(t, direct.Patch(ctx, basket, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"apples":`+string(rune('0'+count))+`}}`))))
		eventually(t, "as many apples as wanted", func() bool { return len(apples(t, ns)) == count })
	}
	// What is taken away comes back.
	first := apples(t, ns)[0]
	ok(t, direct.Delete(ctx, &first))
	eventually(t, "another apple", func() bool { now := apples(t, ns); return len(now) == 1 && now[0].UID != first.UID })
}

func TestPolish(t *testing.T) {
	ns := namespace(t)
	filled(t, ns, "b", 2)
	eventually(t, "bright apples", func() bool {
		return !slices.ContainsFunc(apples(t, ns), func(c corev1.ConfigMap) bool { return c.Data["shine"] != "bright" })
	})
	for _, apple := range apples(t, ns) {
		if !slices.ContainsFunc(apple.ManagedFields, func(e metav1.ManagedFieldsEntry) bool {
			return e.Manager == "polisher" && e.Operation == metav1.ManagedFieldsOperationApply
		}) {
			t.Errorf("%s: the polisher owns nothing: %+v", apple.Name, apple.ManagedFields)
		}
		if apple.Data["colour"] != "red" {
			t.Errorf("%s: polished away: %v", apple.Name, apple.Data)
		}
	}
}

func TestDeletion(t *testing.T) {
	ctx, ns := context.Background(), namespace(t)
	for _, policy := range []metav1.DeletionPropagation{metav1.DeletePropagationBackground, metav1.DeletePropagationForeground} {
		basket := filled(t, ns, "b", 2)
		ok(t, direct.Delete(ctx, basket, client.PropagationPolicy(policy)))
		eventually(t, string(policy)+": the end of the basket", func() bool {
			return apierrors.IsNotFound(direct.Get(ctx, client.ObjectKeyFromObject(basket), basket))
		})
		eventually(t, string(policy)+": no apples", func() bool { return len(apples(t, ns)) == 0 })
		receipt := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "receipt-b", Namespace: ns}}
		ok(t, direct.Delete(ctx, receipt))
	}
}

// The cache comes to know what the server knows, through its index as well.
func TestCache(t *testing.T) {
	ctx, ns := context.Background(), namespace(t)
	filled(t, ns, "one", 2)
	filled(t, ns, "two", 3)
	eventually(t, "three apples of the second basket in the cache", func() bool {
		var list corev1.ConfigMapList
		ok(t, cached.List(ctx, &list, client.InNamespace(ns), client.MatchingFields{byOwner: "two"}))
		return len(list.Items) == 3
	})
}

func TestEvents(t *testing.T) {
	ctx, ns := context.Background(), namespace(t)
	basket := filled(t, ns, "b", 1)
	eventually(t, "an event", func() bool {
		var list corev1.EventList
		ok(t, direct.List(ctx, &list, client.InNamespace(ns), client.MatchingFields{"involvedObject.uid": string(basket.UID)}))
		return slices.ContainsFunc(list.Items, func(e corev1.Event) bool { return e.Reason == "Filled" && e.Source.Component == "baskets" })
	})
}

// The new recorder makes an event, and a series of it when the same happens again. The old API shows both.
func TestNewEvents(t *testing.T) {
	ctx, ns := context.Background(), namespace(t)
	basket := filled(t, ns, "b", 2)
	var list eventsv1.EventList
	var told *eventsv1.Event
	eventually(t, "a series", func() bool {
		ok(t, direct.List(ctx, &list, client.InNamespace(ns), client.MatchingFields{"regarding.uid": string(basket.UID), "reason": "Put"}))
		i := slices.IndexFunc(list.Items, func(e eventsv1.Event) bool { return e.Series != nil && e.Series.Count == 2 })
		if i >= 0 {
			told = &list.Items[i]
		}
		return told != nil
	})
	if told.ReportingController != "baskets" || told.Action != "Fill" || told.Note == "" || told.EventTime.IsZero() {
		t.Fatalf("odd event: %+v", told)
	}
	var old corev1.Event
	ok(t, direct.Get(ctx, client.ObjectKeyFromObject(told), &old))
	if old.InvolvedObject.UID != basket.UID || old.Message != told.Note || old.ReportingController != "baskets" || old.Series == nil {
		t.Fatalf("odd in the old API: %+v", old)
	}
}

func TestRefused(t *testing.T) {
	ctx, ns := context.Background(), namespace(t)
	err := direct.Create(ctx, &Basket{ObjectMeta: metav1.ObjectMeta{Name: "b", Namespace: ns}, Spec: BasketSpec{Apples: 21}})
	if !apierrors.IsInvalid(err) {
		t.Fatalf("too many apples: %v", err)
	}
	basket := filled(t, ns, "b", 1)
	err = direct.Patch(ctx, basket, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"colour":"green"}}`)))
	if !apierrors.IsInvalid(err) {
		t.Fatalf("another colour: %v", err)
	}
}

// A second manager works when the first lets go, not before.
func TestLeaders(t *testing.T) {
	const id = "leaders.shop.example.com"
	start := func() (ctrl.Manager, context.CancelFunc, chan error) {
		m, err := New(cluster, id)
		ok(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- m.Start(ctx) }()
		return m, cancel, done
	}
	elected := func(m ctrl.Manager) bool {
		select {
		case <-m.Elected():
			return true
		default:
			return false
		}
	}
	first, stopFirst, firstDone := start()
	eventually(t, "a leader", func() bool { return elected(first) })
	second, stopSecond, secondDone := start()
	defer stopSecond()
	key := client.ObjectKey{Namespace: "default", Name: id}
	var lease coordinationv1.Lease
	ok(t, direct.Get(context.Background(), key, &lease))
	before, renewed := *lease.Spec.HolderIdentity, *lease.Spec.RenewTime
	eventually(t, "a renewal", func() bool {
		ok(t, direct.Get(context.Background(), key, &lease))
		return lease.Spec.RenewTime.After(renewed.Time)
	})
	if elected(second) {
		t.Fatal("two lead")
	}
	stopFirst()
	ok(t, <-firstDone)
	eventually(t, "another leader", func() bool { return elected(second) })
	ok(t, direct.Get(context.Background(), key, &lease))
	if *lease.Spec.HolderIdentity == before {
		t.Fatalf("%s still holds the lease", before)
	}
	stopSecond()
	ok(t, <-secondDone)
}
