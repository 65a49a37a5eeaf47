package main

import (
	"time"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func of[T any](v T) *T {
	return &v
}

// Objects as people write them; the filler makes the others.
var samples = []runtime.Object{
	&core.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "virt-launcher-vm", Namespace: "default", Generation: 0,
			CreationTimestamp: metav1.Time{Time: time.Unix(1767225600, 0)}, Labels: map[string]string{"b": "2", "a": "1"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: "n", UID: "u", Controller: of(false)}},
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "m", Operation: metav1.ManagedFieldsOperationApply,
				FieldsV1: &metav1.FieldsV1{Raw: []byte(`{"f:spec":{}}`)}}}},
		Spec: core.PodSpec{
			Volumes: []core.Volume{{Name: "v", VolumeSource: core.VolumeSource{EmptyDir: &core.EmptyDirVolumeSource{
				SizeLimit: of(resource.MustParse("1024Mi"))}}}, {Name: "none"}},
			Containers: []core.Container{{Name: "c", Image: "i:1",
				Ports: []core.ContainerPort{{ContainerPort: 80, Protocol: core.ProtocolTCP}},
				Resources: core.ResourceRequirements{Limits: core.ResourceList{"memory": resource.MustParse("1Gi"),
					"cpu": resource.MustParse("1500m")}},
				LivenessProbe: &core.Probe{ProbeHandler: core.ProbeHandler{HTTPGet: &core.HTTPGetAction{Port: intstr.FromInt32(80)}}},
				EnvFrom: []core.EnvFromSource{{ConfigMapRef: &core.ConfigMapEnvSource{
					LocalObjectReference: core.LocalObjectReference{Name: "cm"}, Optional: of(false)}}}}},
			EphemeralContainers:           []core.EphemeralContainer{{EphemeralContainerCommon: core.EphemeralContainerCommon{Name: "e"}}},
			TerminationGracePeriodSeconds: of(int64(0)), NodeSelector: map[string]string{"": ""}},
		Status: core.PodStatus{Phase: core.PodRunning, StartTime: of(metav1.Unix(1767225600, 500000000))},
	},
	&core.Secret{Data: map[string][]byte{"empty": {}, "key": {0, 255, 128, 7}}, StringData: map[string]string{"a": "b"}, Type: "Opaque"},
	&core.Service{Spec: core.ServiceSpec{Ports: []core.ServicePort{{Port: 443, TargetPort: intstr.FromString("https")}, {Port: 1}}}},
	&core.Event{EventTime: metav1.NewMicroTime(time.Unix(1767225600, 1000)), Reason: "Started", Count: 1},
	&core.List{Items: []runtime.RawExtension{{Raw: []byte(`{"kind":"Pod","apiVersion":"v1"}`)}, {}}},
	&apps.Deployment{Spec: apps.DeploymentSpec{Replicas: of(int32(0)), Selector: &metav1.LabelSelector{}}},
	&rbac.Role{},
	&metav1.Status{Status: "Failure", Reason: metav1.StatusReasonNotFound, Code: 404,
		Details: &metav1.StatusDetails{Name: "x", Causes: []metav1.StatusCause{{Field: "f"}}}},
	&metav1.APIResourceList{GroupVersion: "v1", APIResources: []metav1.APIResource{
		{Name: "pods", Verbs: metav1.Verbs{"get", "list"}}, {Name: "none", Verbs: metav1.Verbs{}}, {Name: "nil"}}},
	&apiextensions.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: "vms.x.io"},
		Spec: apiextensions.CustomResourceDefinitionSpec{Group: "x.io", Scope: "Namespaced",
			Versions: []apiextensions.CustomResourceDefinitionVersion{{Name: "v1", Served: true,
				Subresources: &apiextensions.CustomResourceSubresources{Status: &apiextensions.CustomResourceSubresourceStatus{}},
				Schema: &apiextensions.CustomResourceValidation{OpenAPIV3Schema: &apiextensions.JSONSchemaProps{Type: "object",
					Properties: map[string]apiextensions.JSONSchemaProps{
						"list": {Type: "array", Items: &apiextensions.JSONSchemaPropsOrArray{Schema: &apiextensions.JSONSchemaProps{
							Type: "integer", Minimum: of(0.5), Maximum: of(3.0), Default: &apiextensions.JSON{Raw: []byte("1")}}}},
						"tuple": {Items: &apiextensions.JSONSchemaPropsOrArray{JSONSchemas: []apiextensions.JSONSchemaProps{{Type: "string"}, {}}}},
						"map":   {AdditionalProperties: &apiextensions.JSONSchemaPropsOrBool{Allows: true, Schema: &apiextensions.JSONSchemaProps{}}},
						"open":  {AdditionalProperties: &apiextensions.JSONSchemaPropsOrBool{Allows: true}},
						"shut":  {AdditionalProperties: &apiextensions.JSONSchemaPropsOrBool{}},
						"needs": {Dependencies: apiextensions.JSONSchemaDependencies{"a": {Property: []string{"b"}},
							"c": {Schema: &apiextensions.JSONSchemaProps{Type: "string"}}}, XPreserveUnknownFields: of(false)},
						"one": {Enum: []apiextensions.JSON{{Raw: []byte(`"x"`)}, {Raw: []byte("null")}},
							XValidations: apiextensions.ValidationRules{{Rule: "self != ''", Reason: of(apiextensions.FieldValueInvalid)}}},
					}}}}}}},
	&metav1.DeleteOptions{GracePeriodSeconds: of(int64(0)), PropagationPolicy: of(metav1.DeletePropagationBackground)},
}
