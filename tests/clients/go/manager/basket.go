// Package manager has two controllers as operators have them: one makes an apple (a ConfigMap) for each that a Basket wants, the other
// polishes every apple by server-side apply.
package manager

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var groupVersion = schema.GroupVersion{Group: "shop.example.com", Version: "v1"}

type BasketSpec struct {
	Apples int    `json:"apples"`
	Colour string `json:"colour,omitempty"`
}

type BasketStatus struct {
	Apples             int                `json:"apples,omitempty"`
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

type Basket struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              BasketSpec   `json:"spec"`
	Status            BasketStatus `json:"status,omitempty"`
}

type BasketList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Basket `json:"items"`
}

func (b *Basket) DeepCopyObject() runtime.Object {
	c := *b
	c.ObjectMeta = *b.ObjectMeta.DeepCopy()
	c.Status.Conditions = nil
	for _, condition := range b.Status.Conditions {
		c.Status.Conditions = append(c.Status.Conditions, *condition.DeepCopy())
	}
	return &c
}

func (l *BasketList) DeepCopyObject() runtime.Object {
	c := *l
	c.ListMeta = *l.ListMeta.DeepCopy()
	c.Items = nil
	for i := range l.Items {
		c.Items = append(c.Items, *l.Items[i].DeepCopyObject().(*Basket))
	}
	return &c
}

func addToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(groupVersion, &Basket{}, &BasketList{})
	metav1.AddToGroupVersion(s, groupVersion)
	return nil
}
