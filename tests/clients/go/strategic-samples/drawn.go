package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
)

type object = map[string]interface{}

type drawer struct{ *rand.Rand }

func (d drawer) one(words ...string) string { return words[d.Intn(len(words))] }
func (d drawer) maybe(of int) bool          { return d.Intn(of) == 0 }

func (d drawer) texts(max int, words ...string) []interface{} {
	list := []interface{}{}
	for i := d.Intn(max + 1); i > 0; i-- {
		list = append(list, d.one(words...))
	}
	return list
}

// Elements with distinct keys, each filled by fill.
func (d drawer) elements(key string, values []interface{}, fill func(object)) []interface{} {
	list := []interface{}{}
	for _, i := range d.Perm(len(values)) {
		if d.maybe(2) {
			o := object{key: values[i]}
			fill(o)
			list = append(list, o)
		}
	}
	return list
}

var names = []interface{}{"a", "b", "c", "d"}
var ports = []interface{}{80, 443, 53}

func (d drawer) container(o object, patch bool) {
	if d.maybe(2) {
		o["image"] = d.one("i1", "i2", "i3")
	}
	if d.maybe(3) {
		o["args"] = d.texts(3, "x", "y")
	}
	if d.maybe(2) {
		o["env"] = d.elements("name", names, func(e object) { e["value"] = d.one("1", "2"); d.direct(e, patch) })
		d.order(o, "env", "name", names, patch)
	}
	if d.maybe(3) {
		o["ports"] = d.elements("containerPort", ports, func(e object) { d.direct(e, patch) })
	}
	if patch && d.maybe(8) {
		o["image"] = nil
	}
	d.direct(o, patch)
}

func (d drawer) direct(o object, patch bool) {
	if patch && d.maybe(7) {
		o["$patch"] = d.one("delete", "delete", "replace", "delete", "merge")
	}
}

func (d drawer) order(o object, field, key string, values []interface{}, patch bool) {
	if !patch || !d.maybe(3) {
		return
	}
	o["$setElementOrder/"+field] = d.elements(key, values, func(object) {})
	if list, ok := o[field].([]interface{}); ok && d.maybe(2) {
		all := []interface{}{}
		for _, e := range list {
			all = append(all, object{key: e.(object)[key]})
		}
		o["$setElementOrder/"+field] = all
	}
}

func (d drawer) pod(patch bool) object {
	meta, spec := object{}, object{}
	if d.maybe(2) {
		meta["labels"] = object{d.one("l", "m"): d.one("1", "2")}
		if patch && d.maybe(4) {
			meta["labels"].(object)["$patch"] = d.one("replace", "delete")
		}
	}
	if d.maybe(2) {
		meta["finalizers"] = d.texts(4, "f", "g", "h", "i")
	}
	if patch && d.maybe(4) {
		meta["$deleteFromPrimitiveList/finalizers"] = d.texts(2, "f", "g")
	}
	if patch && d.maybe(5) {
		meta["$setElementOrder/finalizers"] = d.texts(4, "f", "g", "h", "i")
	}
	if !patch || d.maybe(2) {
		spec["containers"] = d.elements("name", names, func(o object) { d.container(o, patch) })
	}
	d.order(spec, "containers", "name", names, patch)
	if d.maybe(3) {
		spec["volumes"] = d.elements("name", names, func(o object) {
			o[d.one("emptyDir", "secret", "hostPath")] = object{}
			if patch && d.maybe(2) {
				o["$retainKeys"] = []interface{}{"name", d.one("emptyDir", "secret", "hostPath")}
			}
		})
	}
	if d.maybe(3) {
		spec["tolerations"] = []interface{}{object{"key": d.one("t", "u")}}
	}
	return object{"metadata": meta, "spec": spec}
}

func (d drawer) draw(kind string, patch bool) object {
	pod := d.pod(patch)
	if kind == "Pod" {
		return pod
	}
	spec := object{"template": pod}
	if d.maybe(2) {
		spec["strategy"] = object{"type": d.one("Recreate", "RollingUpdate")}
		if patch && d.maybe(2) {
			spec["strategy"].(object)["$retainKeys"] = []interface{}{"type"}
		}
	}
	return object{"spec": spec}
}

func drawn(count int) []sample {
	d := drawer{rand.New(rand.NewSource(1))}
	list := []sample{}
	for i := 0; i < count; i++ {
		kind := d.one("Pod", "Pod", "Deployment")
		original, _ := json.Marshal(d.draw(kind, false))
		patch, _ := json.Marshal(d.draw(kind, true))
		list = append(list, sample{kind, fmt.Sprintf("drawn %d", i), string(original), string(patch)})
	}
	return list
}
