package main

import (
	"encoding/json"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

const metaName = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

// metadata as the server's own document describes it, without the prose.
const metaModel = `{"type":"object","properties":{
"name":{"type":"string"},"generateName":{"type":"string"},"namespace":{"type":"string"},"selfLink":{"type":"string"},
"uid":{"type":"string"},"resourceVersion":{"type":"string"},"generation":{"type":"integer","format":"int64"},
"creationTimestamp":{"type":"string"},"deletionTimestamp":{"type":"string"},
"deletionGracePeriodSeconds":{"type":"integer","format":"int64"},
"labels":{"type":"object","additionalProperties":{"type":"string"}},
"annotations":{"type":"object","additionalProperties":{"type":"string"}},
"ownerReferences":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["uid"],
 "items":{"type":"object","x-kubernetes-map-type":"atomic","properties":{"apiVersion":{"type":"string"},
 "kind":{"type":"string"},"name":{"type":"string"},"uid":{"type":"string"},"controller":{"type":"boolean"},
 "blockOwnerDeletion":{"type":"boolean"}}}},
"finalizers":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
"managedFields":{"type":"array","x-kubernetes-list-type":"atomic","items":{"type":"object","properties":{
 "manager":{"type":"string"},"operation":{"type":"string"},"apiVersion":{"type":"string"},"time":{"type":"string"},
 "fieldsType":{"type":"string"},"fieldsV1":{"type":"object"},"subresource":{"type":"string"}}}}}}`

func models(gvk schema.GroupVersionKind, body map[string]any) map[string]*spec.Schema {
	text, err := json.Marshal(body)
	fatal(err)
	root, meta := &spec.Schema{}, &spec.Schema{}
	fatal(json.Unmarshal(text, root))
	fatal(json.Unmarshal([]byte(metaModel), meta))
	if root.Properties == nil {
		root.Properties = map[string]spec.Schema{}
	}
	root.Properties["apiVersion"] = *spec.StringProperty()
	root.Properties["kind"] = *spec.StringProperty()
	root.Properties["metadata"] = *spec.RefSchema("#/definitions/" + metaName)
	root.AddExtension("x-kubernetes-group-version-kind", []any{map[string]any{
		"group": gvk.Group, "version": gvk.Version, "kind": gvk.Kind}})
	return map[string]*spec.Schema{metaName: meta, "com.example." + gvk.Version + "." + gvk.Kind: root}
}

func split(kind string) (string, string, string) {
	parts := strings.Split(kind, "/")
	return parts[0], parts[1], parts[2]
}

func unmarshalInts(text []byte, out *map[string]any) error {
	return utiljson.Unmarshal(text, out)
}
