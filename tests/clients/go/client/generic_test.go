package client

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

var machines = schema.GroupVersionResource{Group: "kubevirt.io", Version: "v1", Resource: "virtualmachines"}

func machine(name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": map[string]any{"name": name},
		"spec": map[string]any{"runStrategy": "Halted", "template": map[string]any{"spec": map[string]any{
			"domain": map[string]any{"devices": map[string]any{}, "memory": map[string]any{"guest": "1Gi"}}}}}}}
}

func TestDynamic(t *testing.T) {
	t.Parallel()
	client, ctx := clientset(t, config), background(t)
	ns := namespace(t, client)
	vms := must(dynamic.NewForConfig(config))(t).Resource(machines).Namespace(ns)

	list := must(vms.List(ctx, metav1.ListOptions{}))(t)
	events := must(vms.Watch(ctx, metav1.ListOptions{ResourceVersion: list.GetResourceVersion()}))(t)
	defer events.Stop()
	vm := must(vms.Create(ctx, machine("db"), metav1.CreateOptions{}))(t)
	equal(t, "generation", vm.GetGeneration(), int64(1))
	event := <-events.ResultChan()
	equal(t, "event", event.Type, watch.Added)

	// A label leaves the generation alone; the spec does not.
	vm = must(vms.Patch(ctx, "db", types.MergePatchType, []byte(`{"metadata":{"labels":{"a":"b"}}}`), metav1.PatchOptions{}))(t)
	equal(t, "generation after a label", vm.GetGeneration(), int64(1))
	vm = must(vms.Patch(ctx, "db", types.JSONPatchType, []byte(`[{"op":"replace","path":"/spec/runStrategy","value":"Always"}]`), metav1.PatchOptions{}))(t)
	equal(t, "generation after a change", vm.GetGeneration(), int64(2))
	eventually(t, "a running machine", func() bool {
		vm = must(vms.Get(ctx, "db", metav1.GetOptions{}))(t)
		status, _, _ := unstructured.NestedString(vm.Object, "status", "printableStatus")
		return status == "Running"
	})
	// The status has its own door.
	ok(t, unstructured.SetNestedField(vm.Object, "Odd", "status", "printableStatus"))
	_, err := vms.Update(ctx, vm, metav1.UpdateOptions{})
	if err != nil && !apierrors.IsConflict(err) {
		t.Fatal(err)
	}
	_, err = vms.Patch(ctx, "db", types.StrategicMergePatchType, []byte(`{}`), metav1.PatchOptions{})
	equal(t, "strategic patch refused", apierrors.IsUnsupportedMediaType(err), true)
	ok(t, vms.Delete(ctx, "db", metav1.DeleteOptions{}))
	eventually(t, "its end", func() bool { _, err := vms.Get(ctx, "db", metav1.GetOptions{}); return apierrors.IsNotFound(err) })
}

func TestPatches(t *testing.T) {
	client, ctx := clientset(t, protobufConfig()), background(t)
	ns := namespace(t, client)
	deployments := client.AppsV1().Deployments(ns)
	must(deployments.Create(ctx, deployment("web"), metav1.CreateOptions{}))(t)

	// A strategic patch puts what is new before what was there.
	for _, c := range []struct {
		kind  types.PatchType
		patch string
		want  string
	}{
		{types.StrategicMergePatchType, `{"spec":{"template":{"spec":{"containers":[{"name":"log","image":"log:1"}]}}}}`, "log:1 example/server:1"},
		{types.StrategicMergePatchType, `{"spec":{"template":{"spec":{"containers":[{"name":"server","image":"server:2"}]}}}}`, "log:1 server:2"},
		{types.JSONPatchType, `[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"log:2"}]`, "log:2 server:2"},
		{types.StrategicMergePatchType, `{"spec":{"template":{"spec":{"containers":[{"name":"log","$patch":"delete"}]}}}}`, "server:2"},
		{types.MergePatchType, `{"spec":{"template":{"spec":{"containers":[{"name":"only","image":"only:1"}]}}}}`, "only:1"},
	} {
		d, err := deployments.Patch(ctx, "web", c.kind, []byte(c.patch), metav1.PatchOptions{})
		if err != nil {
			t.Errorf("%s %s: %v", c.kind, c.patch, err)
			continue
		}
		images := []string{}
		for _, container := range d.Spec.Template.Spec.Containers {
			images = append(images, container.Image)
		}
		if got := strings.Join(images, " "); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.kind, c.patch, got, c.want)
		}
	}
}

func TestApply(t *testing.T) {
	client, ctx := clientset(t, protobufConfig()), background(t)
	ns := namespace(t, client)
	maps := client.CoreV1().ConfigMaps(ns)
	mine := metav1.ApplyOptions{FieldManager: "mine"}

	c := corev1apply.ConfigMap("c", ns).WithData(map[string]string{"a": "1", "b": "1"})
	made := must(maps.Apply(ctx, c, mine))(t)
	again := must(maps.Apply(ctx, c, mine))(t)
	equal(t, "revision of the same again", again.ResourceVersion, made.ResourceVersion)

	theirs := corev1apply.ConfigMap("c", ns).WithData(map[string]string{"a": "2", "c": "2"})
	_, err := maps.Apply(ctx, theirs, metav1.ApplyOptions{FieldManager: "theirs"})
	equal(t, "conflict", apierrors.IsConflict(err), true)
	causes := err.(apierrors.APIStatus).Status().Details.Causes
	equal(t, "causes", len(causes), 1)
	equal(t, "cause", causes[0].Type, metav1.CauseTypeFieldManagerConflict)
	equal(t, "field", causes[0].Field, ".data.a")
	must(maps.Apply(ctx, theirs, metav1.ApplyOptions{FieldManager: "theirs", Force: true}))(t)

	// What is left out goes, if nobody else has it.
	c = corev1apply.ConfigMap("c", ns).WithData(map[string]string{"b": "3"})
	last := must(maps.Apply(ctx, c, mine))(t)
	equal(t, "a", last.Data["a"], "2")
	equal(t, "b", last.Data["b"], "3")

	extracted := must(corev1apply.ExtractConfigMap(last, "theirs"))(t)
	equal(t, "what they have", len(extracted.Data), 2)
	must(maps.Apply(ctx, corev1apply.ConfigMap("c", ns), mine))(t)
	equal(t, "data", len(must(maps.Get(ctx, "c", metav1.GetOptions{}))(t).Data), 2)
}

func TestDiscovery(t *testing.T) {
	d := must(discovery.NewDiscoveryClientForConfig(config))(t)
	version := must(d.ServerVersion())(t)
	equal(t, "major", version.Major, "1")
	groups, lists, err := d.ServerGroupsAndResources()
	ok(t, err)
	if len(groups) < 5 || len(lists) < len(groups) {
		t.Fatalf("%d groups, %d lists", len(groups), len(lists))
	}
	preferred := must(d.ServerPreferredNamespacedResources())(t)
	if len(preferred) == 0 {
		t.Fatal("no preferred resources")
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(d))
	for _, c := range []struct {
		kind, group, resource string
		scope                 meta.RESTScopeName
	}{
		{"Pod", "", "pods", meta.RESTScopeNameNamespace},
		{"Namespace", "", "namespaces", meta.RESTScopeNameRoot},
		{"Deployment", "apps", "deployments", meta.RESTScopeNameNamespace},
		{"VirtualMachine", "kubevirt.io", "virtualmachines", meta.RESTScopeNameNamespace},
	} {
		m, err := mapper.RESTMapping(schema.GroupKind{Group: c.group, Kind: c.kind})
		ok(t, err)
		equal(t, c.kind, m.Resource.Resource, c.resource)
		equal(t, c.kind+"'s scope", m.Scope.Name(), c.scope)
	}
	paths := must(d.OpenAPIV3().Paths())(t)
	if _, found := paths["apis/kubevirt.io/v1"]; !found {
		t.Fatal("OpenAPI does not know kubevirt.io")
	}
	must(d.OpenAPISchema())(t)
}

func TestErrors(t *testing.T) {
	t.Parallel()
	client, ctx := clientset(t, protobufConfig()), background(t)
	ns := namespace(t, client)
	maps := client.CoreV1().ConfigMaps(ns)
	made := must(maps.Create(ctx, configMap("a", nil), metav1.CreateOptions{}))(t)
	stale := made.DeepCopy()
	made.Data = map[string]string{"k": "v"}
	must(maps.Update(ctx, made, metav1.UpdateOptions{}))(t)
	stale.Data = map[string]string{"k": "w"}
	other := types.UID("somebody-else")
	wrong := rest.AnonymousClientConfig(config)
	wrong.BearerToken = "wrong"
	huge := configMap("huge", map[string]string{"k": strings.Repeat("x", 4<<20)})

	get := func(name string, o metav1.GetOptions) error { _, err := maps.Get(ctx, name, o); return err }
	create := func(c *corev1.ConfigMap) error {
		_, err := maps.Create(ctx, c, metav1.CreateOptions{})
		return err
	}
	update := func(c *corev1.ConfigMap) error {
		_, err := maps.Update(ctx, c, metav1.UpdateOptions{})
		return err
	}
	list := func(o metav1.ListOptions) error { _, err := maps.List(ctx, o); return err }
	patch := func(kind types.PatchType, p string) error {
		_, err := maps.Patch(ctx, "a", kind, []byte(p), metav1.PatchOptions{})
		return err
	}
	_, unauthorized := clientset(t, wrong).CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	for _, c := range []struct {
		name string
		is   func(error) bool
		err  error
	}{
		{"not found", apierrors.IsNotFound, get("missing", metav1.GetOptions{})},
		{"exists", apierrors.IsAlreadyExists, create(configMap("a", nil))},
		{"conflict", apierrors.IsConflict, update(stale)},
		{"bad name", apierrors.IsInvalid, create(configMap("A_B", nil))},
		{"bad selector", apierrors.IsBadRequest, list(metav1.ListOptions{LabelSelector: "a in"})},
		{"unknown field", apierrors.IsBadRequest, list(metav1.ListOptions{FieldSelector: "data.k=v"})},
		{"bad continue", apierrors.IsBadRequest, list(metav1.ListOptions{Continue: "garbage"})},
		{"future", apierrors.IsTimeout, get("a", metav1.GetOptions{ResourceVersion: "999999999"})},
		{"forbidden", apierrors.IsForbidden, client.CoreV1().Namespaces().Delete(ctx, "default", metav1.DeleteOptions{})},
		{"no such namespace", apierrors.IsNotFound, func() error {
			_, err := client.CoreV1().ConfigMaps("nowhere").Create(ctx, configMap("a", nil), metav1.CreateOptions{})
			return err
		}()},
		{"precondition", apierrors.IsConflict, maps.Delete(ctx, "a", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &other}})},
		{"failed test", apierrors.IsInvalid, patch(types.JSONPatchType, `[{"op":"test","path":"/data/k","value":"no"}]`)},
		{"no patch", apierrors.IsBadRequest, patch(types.MergePatchType, `[1]`)},
		{"unknown type of patch", apierrors.IsUnsupportedMediaType, patch("application/odd", `{}`)},
		{"unauthorized", apierrors.IsUnauthorized, unauthorized},
		{"too large", apierrors.IsRequestEntityTooLargeError, create(huge)},
	} {
		if c.err == nil {
			t.Errorf("%s: no error", c.name)
		} else if !c.is(c.err) {
			t.Errorf("%s: %#v", c.name, c.err)
		}
	}
}

// A finalizer holds; its removal lets go.
func TestFinalizers(t *testing.T) {
	client, ctx := clientset(t, protobufConfig()), background(t)
	ns := namespace(t, client)
	maps := client.CoreV1().ConfigMaps(ns)
	c := configMap("held", nil)
	c.Finalizers = []string{"example.com/hold"}
	c = must(maps.Create(ctx, c, metav1.CreateOptions{}))(t)
	events := must(maps.Watch(ctx, metav1.ListOptions{ResourceVersion: c.ResourceVersion, FieldSelector: "metadata.name=held"}))(t)
	defer events.Stop()

	ok(t, maps.Delete(ctx, "held", metav1.DeleteOptions{}))
	equal(t, "first event", (<-events.ResultChan()).Type, watch.Modified)
	held := must(maps.Get(ctx, "held", metav1.GetOptions{}))(t)
	if held.DeletionTimestamp == nil {
		t.Fatal("no deletionTimestamp")
	}
	held.Finalizers = nil
	must(maps.Update(ctx, held, metav1.UpdateOptions{}))(t)
	equal(t, "second event", (<-events.ResultChan()).Type, watch.Deleted)
	_, err := maps.Get(ctx, "held", metav1.GetOptions{})
	equal(t, "gone", apierrors.IsNotFound(err), true)
}
