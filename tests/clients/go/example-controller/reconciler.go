package main

import (
	"context"

	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

var (
	snapshotKind = schema.GroupVersionKind{Group: "osac.openshift.io", Version: "v1alpha1", Kind: "ComputeInstanceSnapshot"}
	captureKind  = schema.GroupVersionKind{Group: "snapshot.kubevirt.io", Version: "v1beta1", Kind: "VirtualMachineSnapshot"}
)

func object(kind schema.GroupVersionKind) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(kind)
	return o
}

// Reconciler brings one snapshot a step further.
type Reconciler struct {
	client.Client
	Bug string
}

// SetupWithManager wakes the reconciler for snapshots and for what it has taken.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).For(object(snapshotKind)).Owns(object(captureKind)).Complete(r)
}

// Reconcile is called until phase is Ready.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	snapshot := object(snapshotKind)
	if err := r.Get(ctx, req.NamespacedName, snapshot); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if phase(snapshot) == "Ready" || !snapshot.GetDeletionTimestamp().IsZero() {
		return ctrl.Result{}, nil
	}
	capture, err := r.find(ctx, snapshot)
	if err != nil {
		return ctrl.Result{}, err
	}
	if capture == nil {
		if err := r.take(ctx, snapshot); err != nil {
			return ctrl.Result{}, err
		}
	}
	if ready(capture) || r.Bug == "early" {
		return ctrl.Result{}, r.tell(ctx, snapshot, "Ready")
	}
	return ctrl.Result{}, r.tell(ctx, snapshot, "Creating")
}

// find gives the VirtualMachineSnapshot that was taken, or nil.
func (r *Reconciler) find(ctx context.Context, snapshot *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if r.Bug == "name" {
		return r.findRecorded(ctx, snapshot)
	}
	capture := object(captureKind)
	err := r.Get(ctx, client.ObjectKeyFromObject(snapshot), capture)
	if errors.IsNotFound(err) {
		return nil, nil
	}
	return capture, err
}

// findRecorded is the mistake: only what was written down is found again.
func (r *Reconciler) findRecorded(ctx context.Context, snapshot *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	name, _, _ := unstructured.NestedString(snapshot.Object, "status", "virtualMachineSnapshotRef", "name")
	if name == "" {
		return nil, nil
	}
	capture := object(captureKind)
	err := r.Get(ctx, client.ObjectKey{Namespace: snapshot.GetNamespace(), Name: name}, capture)
	return capture, client.IgnoreNotFound(err)
}

func (r *Reconciler) take(ctx context.Context, snapshot *unstructured.Unstructured) error {
	machine, _, _ := unstructured.NestedString(snapshot.Object, "spec", "computeInstanceRef")
	capture := object(captureKind)
	capture.SetNamespace(snapshot.GetNamespace())
	if r.Bug == "name" {
		capture.SetGenerateName(snapshot.GetName() + "-")
	} else {
		// The same name each time: a second attempt meets the first one.
		capture.SetName(snapshot.GetName())
	}
	capture.Object["spec"] = map[string]any{
		"source": map[string]any{"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": machine},
	}
	if err := controllerutil.SetControllerReference(snapshot, capture, r.Scheme()); err != nil {
		return err
	}
	if err := r.Create(ctx, capture); err != nil {
		return client.IgnoreAlreadyExists(err)
	}
	return r.record(ctx, snapshot, capture.GetName())
}

func (r *Reconciler) record(ctx context.Context, snapshot *unstructured.Unstructured, name string) error {
	before := snapshot.DeepCopy()
	ref := map[string]any{"name": name, "namespace": snapshot.GetNamespace()}
	if err := unstructured.SetNestedMap(snapshot.Object, ref, "status", "virtualMachineSnapshotRef"); err != nil {
		return err
	}
	return r.Status().Patch(ctx, snapshot, client.MergeFrom(before))
}

func (r *Reconciler) tell(ctx context.Context, snapshot *unstructured.Unstructured, what string) error {
	if phase(snapshot) == what {
		return nil
	}
	before := snapshot.DeepCopy()
	if err := unstructured.SetNestedField(snapshot.Object, what, "status", "phase"); err != nil {
		return err
	}
	return r.Status().Patch(ctx, snapshot, client.MergeFrom(before))
}

func phase(snapshot *unstructured.Unstructured) string {
	text, _, _ := unstructured.NestedString(snapshot.Object, "status", "phase")
	return text
}

func ready(capture *unstructured.Unstructured) bool {
	if capture == nil {
		return false
	}
	yes, _, _ := unstructured.NestedBool(capture.Object, "status", "readyToUse")
	return yes
}
