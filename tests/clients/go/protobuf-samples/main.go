// Prints what Kubernetes' own serializers make of built-in objects; the unit tests of kube/types/ replay it.
//
//	go run . objects [-rounds N] [-max BYTES]    > ../../../unit/kube/types/objects.txt
//	go run . decode                              > ../../../unit/kube/types/decode.txt
//
// objects: a line per object: protobuf with its envelope in base64, a tab, JSON.
// decode: a line per text of texts.go: the kind, JSON, the error of the decoder ("-" for none), fields that are unknown.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"reflect"
	"sort"
	"strings"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	apps "k8s.io/api/apps/v1"
	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	autoscaling "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	certificates "k8s.io/api/certificates/v1"
	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	events "k8s.io/api/events/v1"
	flowcontrol "k8s.io/api/flowcontrol/v1"
	networking "k8s.io/api/networking/v1"
	node "k8s.io/api/node/v1"
	policy "k8s.io/api/policy/v1"
	rbac "k8s.io/api/rbac/v1"
	scheduling "k8s.io/api/scheduling/v1"
	storage "k8s.io/api/storage/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	kjson "sigs.k8s.io/json"
)

var scheme = runtime.NewScheme()

func init() {
	for _, add := range []func(*runtime.Scheme) error{
		admissionregistration.AddToScheme, apps.AddToScheme, authentication.AddToScheme, authorization.AddToScheme,
		autoscaling.AddToScheme, autoscalingv2.AddToScheme, batch.AddToScheme, certificates.AddToScheme,
		coordination.AddToScheme, core.AddToScheme, discovery.AddToScheme, events.AddToScheme, flowcontrol.AddToScheme,
		networking.AddToScheme, node.AddToScheme, policy.AddToScheme, rbac.AddToScheme, scheduling.AddToScheme,
		storage.AddToScheme, apiextensions.AddToScheme, metav1.AddMetaToScheme,
	} {
		check(add(scheme))
	}
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Kinds that no table has: helpers that only old clients and kubelets knew.
var skipped = map[string]bool{
	"SerializedReference": true, "RangeAllocation": true, "PodStatusResult": true, "ConversionReview": true,
	"Table": true, "PartialObjectMetadata": false, "WatchEvent": true, "InternalEvent": true,
}

func kinds() (all []schema.GroupVersionKind) {
	seen := map[reflect.Type]bool{}
	for gvk, t := range scheme.AllKnownTypes() {
		if gvk.Version == runtime.APIVersionInternal || skipped[gvk.Kind] || gvk.Version == "v1beta1" {
			continue
		}
		if strings.HasSuffix(gvk.Kind, "Options") && t.PkgPath() != "k8s.io/api/core/v1" && gvk.Group != "" {
			continue
		}
		_ = seen
		all = append(all, gvk)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].String() < all[j].String() })
	return all
}

// Protobuf and back, JSON and back: what is left is what both can say.
func line(gvk schema.GroupVersionKind, object runtime.Object) (string, int) {
	codec := protobuf.NewSerializer(scheme, scheme)
	var wire bytes.Buffer
	var text []byte
	for range 2 {
		object.GetObjectKind().SetGroupVersionKind(gvk)
		wire.Reset()
		check(codec.Encode(object, &wire))
		again, err := scheme.New(gvk)
		check(err)
		_, _, err = codec.Decode(wire.Bytes(), &gvk, again)
		check(err)
		again.GetObjectKind().SetGroupVersionKind(gvk)
		text, err = json.Marshal(again)
		check(err)
		object, err = scheme.New(gvk)
		check(err)
		check(json.Unmarshal(text, object))
	}
	return base64.StdEncoding.EncodeToString(wire.Bytes()) + "\t" + string(text) + "\n", wire.Len()
}

func objects(args []string) {
	flags := flag.NewFlagSet("objects", flag.ExitOnError)
	rounds := flags.Int("rounds", 1, "random objects of each kind")
	most := flags.Int("max", 1500, "bytes of an object's protobuf")
	check(flags.Parse(args))
	for _, s := range samples {
		object := s.DeepCopyObject()
		gvks, _, err := scheme.ObjectKinds(object)
		check(err)
		text, _ := line(gvks[0], object)
		fmt.Print(text)
	}
	for i, gvk := range kinds() {
		empty, err := scheme.New(gvk)
		check(err)
		if !strings.HasSuffix(gvk.Kind, "List") {
			text, _ := line(gvk, empty)
			fmt.Print(text)
		}
		for round := 0; round < *rounds; round++ {
			f := filler{rand: rand.New(rand.NewSource(int64(i*1000 + round)))}
			for share := 60; share > 0; share -= 5 { // fewer fields until it is small enough
				f.share = share
				object, err := scheme.New(gvk)
				check(err)
				f.fill(reflect.ValueOf(object).Elem(), 0)
				if text, size := line(gvk, object); size <= *most {
					fmt.Print(text)
					break
				}
			}
		}
	}
}

func decode() {
	for _, t := range texts {
		gv, err := schema.ParseGroupVersion(t.apiVersion)
		check(err)
		object, err := scheme.New(gv.WithKind(t.kind))
		check(err)
		strict, err := kjson.UnmarshalStrict([]byte(t.text), object)
		wrong := "-"
		if err != nil {
			wrong = err.Error()
		}
		var unknown []string
		for _, s := range strict {
			unknown = append(unknown, s.Error())
		}
		fmt.Printf("%s\t%s\t%s\t%s\t%s\n", t.apiVersion, t.kind, t.text, wrong, strings.Join(unknown, "; "))
	}
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "objects" {
		objects(os.Args[2:])
	} else if len(os.Args) == 2 && os.Args[1] == "decode" {
		decode()
	} else {
		fmt.Fprintln(os.Stderr, "protobuf-samples: objects or decode?")
		os.Exit(2)
	}
}
