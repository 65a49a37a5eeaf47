package main

import (
	"context"
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// start runs the controller against the cluster of KUBECONFIG, as a suite does with envtest.
func start(t *testing.T) client.Client {
	if os.Getenv("KUBECONFIG") == "" {
		t.Skip("KUBECONFIG names no cluster: vmconform serve gives one")
	}
	ctrl.SetLogger(zap.New(zap.UseDevMode(true)))
	existing := true
	env := &envtest.Environment{UseExistingCluster: &existing}
	config, err := env.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = env.Stop() })
	mgr, err := ctrl.NewManager(config, ctrl.Options{Metrics: metrics.Options{BindAddress: "0"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := (&Reconciler{Client: mgr.GetClient(), Bug: os.Getenv("BUG")}).SetupWithManager(mgr); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return mgr.GetClient()
}

func namespace(t *testing.T, c client.Client) string {
	ns := &corev1.Namespace{}
	ns.GenerateName = "example-"
	if err := c.Create(context.Background(), ns); err != nil {
		t.Fatal(err)
	}
	return ns.Name
}

func create(t *testing.T, c client.Client, o *unstructured.Unstructured, ns, name string, spec map[string]any) {
	o.SetNamespace(ns)
	o.SetName(name)
	o.Object["spec"] = spec
	if err := c.Create(context.Background(), o); err != nil {
		t.Fatal(err)
	}
}

// eventually asks for the object until it is as it should be.
func eventually(t *testing.T, c client.Client, o *unstructured.Unstructured, what string, fits func() bool) {
	err := wait.PollUntilContextTimeout(context.Background(), 20*time.Millisecond, time.Minute, true,
		func(ctx context.Context) (bool, error) {
			err := c.Get(ctx, client.ObjectKeyFromObject(o), o)
			return err == nil && fits(), client.IgnoreNotFound(err)
		})
	if err != nil {
		t.Fatalf("never %s: %v: %v", what, o.Object["status"], err)
	}
}

// machine gives a running machine with one disk.
func machine(t *testing.T, c client.Client, ns string) {
	claim, vm := &unstructured.Unstructured{}, &unstructured.Unstructured{}
	claim.SetAPIVersion("v1")
	claim.SetKind("PersistentVolumeClaim")
	create(t, c, claim, ns, "vm-1-root", map[string]any{
		"accessModes": []any{"ReadWriteOnce"},
		"resources":   map[string]any{"requests": map[string]any{"storage": "1Gi"}},
	})
	vm.SetAPIVersion("kubevirt.io/v1")
	vm.SetKind("VirtualMachine")
	create(t, c, vm, ns, "vm-1", map[string]any{
		"runStrategy": "Always",
		"template": map[string]any{"spec": map[string]any{
			"domain": map[string]any{
				"devices": map[string]any{"disks": []any{
					map[string]any{"name": "root", "disk": map[string]any{"bus": "virtio"}}}},
				"memory": map[string]any{"guest": "1Gi"}},
			"volumes": []any{map[string]any{"name": "root",
				"persistentVolumeClaim": map[string]any{"claimName": "vm-1-root"}}},
		}},
	})
	eventually(t, c, vm, "Running", func() bool {
		status, _, _ := unstructured.NestedString(vm.Object, "status", "printableStatus")
		return status == "Running"
	})
}

func TestSnapshotBecomesReady(t *testing.T) {
	c := start(t)
	ns := namespace(t, c)
	machine(t, c, ns)
	snapshot := object(snapshotKind)
	create(t, c, snapshot, ns, "snap-1", map[string]any{"computeInstanceRef": "vm-1"})

	eventually(t, c, snapshot, "Ready", func() bool { return phase(snapshot) == "Ready" })
	capture := object(captureKind)
	if err := c.Get(context.Background(), client.ObjectKeyFromObject(snapshot), capture); err != nil {
		t.Fatal(err)
	}
	if !ready(capture) {
		t.Error("Ready, though KubeVirt's snapshot is not")
	}
}
