// Prints what strategic merge patch makes of samples, one JSON object a line: the hand-written cases, then
// patches drawn from a small vocabulary with a fixed seed. The tests replay the output.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	k8sjson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/mergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

type sample struct{ kind, name, original, patch string }

var kinds = map[string]interface{}{
	"Pod":                corev1.Pod{},
	"Service":            corev1.Service{},
	"ServiceAccount":     corev1.ServiceAccount{},
	"ConfigMap":          corev1.ConfigMap{},
	"Deployment":         appsv1.Deployment{},
	"ControllerRevision": appsv1.ControllerRevision{},
}

type line struct {
	Kind     string          `json:"kind"`
	Name     string          `json:"name"`
	Original json.RawMessage `json:"original"`
	Patch    json.RawMessage `json:"patch"`
	Result   json.RawMessage `json:"result,omitempty"`
	Code     int             `json:"code"`
	Error    string          `json:"error,omitempty"`
}

// The code with which an API server answers the error.
func codeOf(err error) int {
	switch err {
	case nil:
		return 200
	case mergepatch.ErrBadJSONDoc, mergepatch.ErrBadPatchFormatForPrimitiveList, mergepatch.ErrBadPatchFormatForRetainKeys,
		mergepatch.ErrBadPatchFormatForSetElementOrderList, mergepatch.ErrUnsupportedStrategicMergePatchFormat:
		return 400
	case mergepatch.ErrNoListOfLists, mergepatch.ErrPatchContentNotMatchRetainKeys:
		return 422
	}
	return 500
}

func merge(s sample) (result []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			result, err = nil, fmt.Errorf("panic")
		}
	}()
	var original, patch map[string]interface{}
	if err := k8sjson.Unmarshal([]byte(s.original), &original); err != nil {
		panic(err)
	}
	if err := k8sjson.Unmarshal([]byte(s.patch), &patch); err != nil {
		panic(err)
	}
	// A server's object comes from a struct: its slices have no room to grow into, and the result can depend on it.
	original = runtime.DeepCopyJSON(original)
	merged, err := strategicpatch.StrategicMergeMapPatch(original, patch, kinds[s.kind])
	if err != nil {
		return nil, err
	}
	return json.Marshal(merged)
}

// Go walks maps in any order: what depends on it is no sample.
func stable(s sample, result []byte, err error) bool {
	for i := 0; i < 30; i++ {
		again, e := merge(s)
		if (e == nil) != (err == nil) || !bytes.Equal(again, result) || (e != nil && e.Error() != err.Error()) {
			return false
		}
	}
	return true
}

func main() {
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for _, s := range append(cases, drawn(400)...) {
		result, err := merge(s)
		if !stable(s, result, err) {
			fmt.Fprintf(os.Stderr, "left out, not stable: %s\n", s.name)
			continue
		}
		l := line{s.kind, s.name, json.RawMessage(s.original), json.RawMessage(s.patch), result, codeOf(err), ""}
		if err != nil {
			l.Error = err.Error()
		}
		if err := out.Encode(l); err != nil {
			panic(err)
		}
	}
}
