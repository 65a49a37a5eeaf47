// Command managed-samples prints sequences of creates, updates and applies with the managedFields
// and objects that the API server's own libraries make of them: one JSON line each, replayed by
// tests/unit/sim/test_managed_samples.c. Times are counted from 2023-11-14T22:13:20Z, one second a
// step.
//
//	go run . 24 > ../../../unit/sim/samples/managed.jsonl
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"sort"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

const firstSecond = 1700000000

// step is one write. Object is what is applied, or the whole new state of an update.
type step struct {
	Op          string         `json:"op"` // create, update, apply
	Manager     string         `json:"manager"`
	Subresource string         `json:"subresource,omitempty"`
	Force       bool           `json:"force,omitempty"`
	Object      map[string]any `json:"object"`
	Want        map[string]any `json:"want,omitempty"`
	Code        int32          `json:"code,omitempty"`
	Message     string         `json:"message,omitempty"`
	Causes      []cause        `json:"causes,omitempty"`
}

type cause struct {
	Message string `json:"message"`
	Field   string `json:"field"`
}

type sequence struct {
	Name      string         `json:"name"`
	Kind      string         `json:"kind"`                // group/version/kind
	Schema    map[string]any `json:"schema,omitempty"`    // of a custom resource
	HasStatus bool           `json:"hasStatus,omitempty"` // it has a status subresource
	Steps     []*step        `json:"steps"`
}

// world keeps one object and the managers of its endpoints.
type world struct {
	gvk      schema.GroupVersionKind
	custom   bool
	managers map[string]*managedfields.FieldManager
	live     runtime.Object
	second   int64
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Conversion between versions does not happen here.
type sameVersion struct{}

func (sameVersion) Convert(in, out, context interface{}) error {
	return errors.New("not used")
}
func (sameVersion) ConvertToVersion(in runtime.Object, _ runtime.GroupVersioner) (runtime.Object, error) {
	return in, nil
}
func (sameVersion) ConvertFieldLabel(_ schema.GroupVersionKind, l, v string) (string, string, error) {
	return l, v, nil
}

type noDefaults struct{}

func (noDefaults) Default(runtime.Object) {}

type newUnstructured struct{}

func (newUnstructured) New(gvk schema.GroupVersionKind) (runtime.Object, error) {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(gvk)
	return u, nil
}

func reset(gv schema.GroupVersion, names ...string) map[fieldpath.APIVersion]fieldpath.Filter {
	if len(names) == 0 {
		return nil
	}
	set := fieldpath.NewSet()
	for _, name := range names {
		set.Insert(fieldpath.MakePathOrDie(name))
	}
	return map[fieldpath.APIVersion]fieldpath.Filter{
		fieldpath.APIVersion(gv.String()): fieldpath.NewExcludeSetFilter(set)}
}

func customWorld(gvk schema.GroupVersionKind, body map[string]any, hasStatus bool) *world {
	converter, err := managedfields.NewTypeConverter(models(gvk, body), false)
	fatal(err)
	w := &world{gvk: gvk, custom: true, managers: map[string]*managedfields.FieldManager{}}
	endpoints := map[string][]string{"": nil}
	if hasStatus {
		endpoints = map[string][]string{"": {"status"}, "status": {"apiVersion", "kind", "metadata", "spec"}}
	}
	for name, names := range endpoints {
		w.managers[name], err = managedfields.NewDefaultCRDFieldManager(converter, sameVersion{}, noDefaults{},
			newUnstructured{}, gvk, gvk.GroupVersion(), name, reset(gvk.GroupVersion(), names...))
		fatal(err)
	}
	return w
}

func builtinWorld(gvk schema.GroupVersionKind) *world {
	converter := applyconfigurations.NewTypeConverter(scheme.Scheme)
	w := &world{gvk: gvk, managers: map[string]*managedfields.FieldManager{}}
	for name, names := range map[string][]string{"": {"status"}, "status": {"spec"}} {
		var err error
		w.managers[name], err = managedfields.NewDefaultFieldManager(converter, scheme.Scheme, noDefaults{},
			scheme.Scheme, gvk, gvk.GroupVersion(), name, reset(gvk.GroupVersion(), names...))
		fatal(err)
	}
	return w
}

// typed is what the server holds: a Go object of a built-in kind.
func (w *world) typed(body map[string]any) runtime.Object {
	u := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(body)}
	if w.custom {
		return u
	}
	out, err := scheme.Scheme.New(w.gvk)
	fatal(err)
	fatal(runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, out))
	out.GetObjectKind().SetGroupVersionKind(w.gvk)
	return out
}

func plain(v any) map[string]any {
	text, err := json.Marshal(v)
	fatal(err)
	var out map[string]any
	fatal(json.Unmarshal(text, &out))
	return out
}

func (w *world) empty() runtime.Object {
	if w.custom {
		return w.typed(map[string]any{"apiVersion": w.gvk.GroupVersion().String(), "kind": w.gvk.Kind})
	}
	out, err := scheme.Scheme.New(w.gvk)
	fatal(err)
	out.GetObjectKind().SetGroupVersionKind(w.gvk)
	return out
}

// settle counts times by steps instead of by the clock.
func (w *world) settle(obj runtime.Object) {
	accessor := obj.(metav1.Object)
	if u, ok := obj.(*unstructured.Unstructured); ok {
		accessor = u
	}
	entries := accessor.GetManagedFields()
	for i := range entries {
		if entries[i].Time != nil && time.Since(entries[i].Time.Time) < time.Hour {
			entries[i].Time = &metav1.Time{Time: time.Unix(firstSecond+w.second, 0).UTC()}
		}
	}
	accessor.SetManagedFields(entries)
	if accessor.GetUID() == "" {
		accessor.SetUID("u")
	}
	w.live = obj
}

func (w *world) run(s *step) {
	w.second++
	manager := w.managers[s.Subresource]
	live := w.live
	if live == nil {
		live = w.empty()
	}
	live = live.DeepCopyObject()
	if s.Op == "apply" {
		patch := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(numbers(s.Object))}
		out, err := manager.Apply(live, patch, s.Manager, s.Force)
		if err != nil {
			s.fail(err)
			return
		}
		w.settle(out)
	} else {
		obj := w.typed(numbers(s.Object))
		if s.Op == "update" {
			obj.(metav1.Object).SetUID("u")
		}
		if !w.custom {
			s.Object = plain(obj)
		}
		out, err := manager.Update(live, obj, s.Manager)
		fatal(err)
		w.settle(out)
	}
	s.Want = plain(w.live)
}

func (s *step) fail(err error) {
	s.Code, s.Message = 500, err.Error()
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return
	}
	s.Code = status.Status().Code
	if status.Status().Details == nil {
		return
	}
	for _, c := range status.Status().Details.Causes {
		s.Causes = append(s.Causes, cause{c.Message, c.Field})
	}
	sort.SliceStable(s.Causes, func(i, j int) bool { return s.Causes[i].Message < s.Causes[j].Message })
}

// numbers makes integers of the numbers that JSON gave as floats.
func numbers(body map[string]any) map[string]any {
	text, err := json.Marshal(body)
	fatal(err)
	u := map[string]any{}
	fatal(unmarshalInts(text, &u))
	return u
}

func play(out *json.Encoder, q *sequence) {
	group, version, kind := split(q.Kind)
	gvk := schema.GroupVersionKind{Group: group, Version: version, Kind: kind}
	w := builtinWorld(gvk)
	if q.Schema != nil {
		w = customWorld(gvk, q.Schema, q.HasStatus)
	} else {
		q.HasStatus = true
	}
	for _, s := range q.Steps {
		w.run(s)
	}
	fatal(out.Encode(q))
}

func main() {
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for _, q := range cases() {
		play(out, q)
	}
	drawn := 24
	if len(os.Args) > 1 {
		_, err := fmt.Sscan(os.Args[1], &drawn)
		fatal(err)
	}
	for i := 0; i < drawn; i++ {
		play(out, draw(rand.New(rand.NewSource(int64(i)))))
	}
}
