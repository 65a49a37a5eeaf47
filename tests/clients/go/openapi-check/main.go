// Reads OpenAPI documents as kubectl does, and complains about what it cannot use:
//
//	openapi-check [-v2pb FILE] [-v2json FILE] [-v3 FILE]...
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	openapi_v2 "github.com/google/gnostic-models/openapiv2"
	"google.golang.org/protobuf/proto"
	"k8s.io/kube-openapi/pkg/spec3"
	oproto "k8s.io/kube-openapi/pkg/util/proto"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

var failed bool

func complain(format string, args ...any) {
	failed = true
	fmt.Printf(format+"\n", args...)
}

func read(path string) []byte {
	data, err := os.ReadFile(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	return data
}

// The operation that tells kubectl that the server validates fields.
func patchesValidated(doc *openapi_v2.Document) (patches, validated int) {
	for _, path := range doc.GetPaths().GetPath() {
		op := path.GetValue().GetPatch()
		if op == nil {
			continue
		}
		patches++
		gvk := false
		for _, extension := range op.GetVendorExtension() {
			gvk = gvk || extension.GetName() == "x-kubernetes-group-version-kind" && extension.GetValue().GetYaml() != ""
		}
		for _, p := range op.GetParameters() {
			if gvk && p.GetParameter().GetNonBodyParameter().GetQueryParameterSubSchema().GetName() == "fieldValidation" {
				validated++
			}
		}
	}
	return
}

func checkModels(doc *openapi_v2.Document) {
	models, err := oproto.NewOpenAPIData(doc)
	if err != nil {
		complain("models: %v", err)
		return
	}
	kinds := 0
	for _, name := range models.ListModels() {
		if models.LookupModel(name).GetExtensions()["x-kubernetes-group-version-kind"] != nil {
			kinds++
		}
	}
	fmt.Printf("v2: %d models, %d of them kinds\n", len(models.ListModels()), kinds)
	pod, ok := models.LookupModel("io.k8s.api.core.v1.PodSpec").(*oproto.Kind)
	if !ok {
		complain("PodSpec is no kind")
		return
	}
	containers := pod.Fields["containers"]
	if _, ok := containers.(*oproto.Array); !ok {
		complain("containers are %T", containers)
	}
	if containers.GetExtensions()["x-kubernetes-patch-merge-key"] != "name" {
		complain("containers have extensions %v", containers.GetExtensions())
	}
}

func checkV2Protobuf(path string) {
	doc := &openapi_v2.Document{}
	if err := proto.Unmarshal(read(path), doc); err != nil {
		complain("%s: %v", path, err)
		return
	}
	if unknown := len(doc.ProtoReflect().GetUnknown()); unknown > 0 {
		complain("%s: %d bytes are unknown", path, unknown)
	}
	patches, validated := patchesValidated(doc)
	if patches == 0 || patches != validated {
		complain("%s: %d of %d patches take fieldValidation", path, validated, patches)
	}
	fmt.Printf("v2 protobuf: swagger %s, %d paths, %d definitions, %d patches\n", doc.GetSwagger(),
		len(doc.GetPaths().GetPath()), len(doc.GetDefinitions().GetAdditionalProperties()), patches)
	checkModels(doc)
}

func checkV2JSON(path string) {
	data := read(path)
	doc, err := openapi_v2.ParseDocument(data)
	if err != nil {
		complain("%s: %v", path, err)
		return
	}
	checkModels(doc)
	swagger := &spec.Swagger{}
	if err := json.Unmarshal(data, swagger); err != nil {
		complain("%s: %v", path, err)
	}
}

func checkV3(path string) {
	doc := &spec3.OpenAPI{}
	decoder := json.NewDecoder(bytes.NewReader(read(path)))
	if err := decoder.Decode(doc); err != nil {
		complain("%s: %v", path, err)
		return
	}
	patches := 0
	for _, item := range doc.Paths.Paths {
		op := item.Patch
		if op == nil {
			continue
		}
		found := false
		for _, p := range op.Parameters {
			found = found || p.Name == "fieldValidation"
		}
		if !found || op.Extensions["x-kubernetes-group-version-kind"] == nil {
			complain("%s: %s does not validate", path, op.OperationId)
		}
		patches++
	}
	fmt.Printf("v3: %d paths, %d schemas, %d patches\n", len(doc.Paths.Paths), len(doc.Components.Schemas), patches)
}

func main() {
	flag.Func("v2pb", "Swagger as protobuf", func(s string) error { checkV2Protobuf(s); return nil })
	flag.Func("v2json", "Swagger as JSON", func(s string) error { checkV2JSON(s); return nil })
	flag.Func("v3", "OpenAPI 3 as JSON", func(s string) error { checkV3(s); return nil })
	flag.Parse()
	if failed {
		os.Exit(1)
	}
}
