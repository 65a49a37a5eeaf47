package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
)

// drawnSchema has one of every kind of field.
const drawnSchema = `{"type":"object","properties":{"spec":{"type":"object","properties":{
"text":{"type":"string"},"n":{"type":"integer"},"flag":{"type":"boolean"},"port":{"x-kubernetes-int-or-string":true},
"map":{"type":"object","additionalProperties":{"type":"string"}},
"whole":{"type":"object","x-kubernetes-map-type":"atomic","properties":{"a":{"type":"string"},"b":{"type":"string"}}},
"set":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
"numbers":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"integer"}},
"list":{"type":"array","items":{"type":"string"}},
"items":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],
 "items":{"type":"object","required":["name"],"properties":{"name":{"type":"string"},"v":{"type":"string"},
 "sub":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["port","protocol"],
  "items":{"type":"object","required":["port"],"properties":{"port":{"type":"integer"},
  "protocol":{"type":"string","default":"TCP"},"note":{"type":"string"}}}}}}},
"deep":{"type":"object","properties":{"x":{"type":"string"},"y":{"type":"object","properties":{"z":{"type":"string"}}}}},
"any":{"type":"object","x-kubernetes-preserve-unknown-fields":true},
"free":{"type":"object"}}},
"status":{"type":"object","properties":{"phase":{"type":"string"},
"conditions":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["type"],
 "items":{"type":"object","required":["type"],"properties":{"type":{"type":"string"},"status":{"type":"string"}}}}}}}}`

func parsed(text string) map[string]any {
	var out map[string]any
	fatal(json.Unmarshal([]byte(text), &out))
	return out
}

func letters(r *rand.Rand, from string, most int) []string {
	var out []string
	for _, i := range r.Perm(len(from))[:r.Intn(most+1)] {
		out = append(out, from[i:i+1])
	}
	return out
}

func anys[T any](in []T) []any {
	out := []any{}
	for _, v := range in {
		out = append(out, v)
	}
	return out
}

func word(r *rand.Rand) string { return "pqr"[r.Intn(3):][:1] }

func someMap(r *rand.Rand) map[string]any {
	out := map[string]any{}
	for _, k := range letters(r, "abc", 3) {
		out[k] = word(r)
	}
	return out
}

func drawnPorts(r *rand.Rand) []any {
	out := []any{}
	for _, port := range r.Perm(3)[:r.Intn(4)] {
		item := map[string]any{"port": port + 80}
		if r.Intn(2) == 0 {
			item["note"] = word(r)
		}
		switch r.Intn(4) {
		case 0:
			item["protocol"] = "UDP"
		case 1:
			item["protocol"] = "TCP"
		}
		out = append(out, item)
	}
	return out
}

func drawnItems(r *rand.Rand) []any {
	out := []any{}
	for _, name := range letters(r, "abcd", 4) {
		item := map[string]any{"name": name}
		if r.Intn(2) == 0 {
			item["v"] = word(r)
		}
		if r.Intn(3) == 0 {
			item["sub"] = drawnPorts(r)
		}
		out = append(out, item)
	}
	return out
}

func drawnAny(r *rand.Rand, depth int) any {
	switch n := r.Intn(6); {
	case n == 0 && depth < 3:
		out := map[string]any{}
		for _, k := range letters(r, "abc", 2) {
			out[k] = drawnAny(r, depth+1)
		}
		return out
	case n == 1:
		return anys(letters(r, "pq", 2))
	case n == 2:
		return r.Intn(3)
	case n == 3 && depth > 0:
		return nil
	}
	return word(r)
}

func drawnAnyMap(r *rand.Rand) map[string]any {
	out := map[string]any{}
	for _, k := range letters(r, "abc", 3) {
		out[k] = drawnAny(r, 1)
	}
	return out
}

// drawnFields are the ways to fill a spec.
var drawnFields = map[string]func(r *rand.Rand) any{
	"text": func(r *rand.Rand) any { return word(r) },
	"n":    func(r *rand.Rand) any { return r.Intn(3) },
	"flag": func(r *rand.Rand) any { return r.Intn(2) == 0 },
	"port": func(r *rand.Rand) any {
		if r.Intn(2) == 0 {
			return 80
		}
		return "http"
	},
	"map":     func(r *rand.Rand) any { return someMap(r) },
	"whole":   func(r *rand.Rand) any { return map[string]any{"a": word(r)} },
	"set":     func(r *rand.Rand) any { return anys(letters(r, "abcd", 4)) },
	"numbers": func(r *rand.Rand) any { return anys(r.Perm(3)[:r.Intn(4)]) },
	"list":    func(r *rand.Rand) any { return anys(letters(r, "abc", 3)) },
	"items":   func(r *rand.Rand) any { return drawnItems(r) },
	"deep": func(r *rand.Rand) any {
		out := map[string]any{}
		if r.Intn(2) == 0 {
			out["x"] = word(r)
		}
		if r.Intn(2) == 0 {
			out["y"] = map[string]any{"z": word(r)}
		}
		return out
	},
	"any":  func(r *rand.Rand) any { return drawnAnyMap(r) },
	"free": func(r *rand.Rand) any { return drawnAnyMap(r) },
}

var drawnNames = []string{"text", "n", "flag", "port", "map", "whole", "set", "numbers", "list", "items", "deep",
	"any", "free"}

func drawnObject(r *rand.Rand, few bool) map[string]any {
	spec := map[string]any{}
	share := 2
	if few {
		share = 4
	}
	for _, name := range drawnNames {
		if r.Intn(share) == 0 {
			spec[name] = drawnFields[name](r)
		}
	}
	meta := map[string]any{"name": "w", "namespace": "default"}
	if r.Intn(2) == 0 {
		meta["labels"] = someMap(r)
	}
	if r.Intn(4) == 0 {
		meta["finalizers"] = anys(letters(r, "ab", 2))
	}
	if r.Intn(6) == 0 {
		meta["ownerReferences"] = []any{map[string]any{"apiVersion": "v1", "kind": "Pod", "name": word(r), "uid": "o"}}
	}
	return map[string]any{"apiVersion": "example.com/v1", "kind": "Widget", "metadata": meta, "spec": spec}
}

func drawnStatus(r *rand.Rand) map[string]any {
	status := map[string]any{"phase": word(r)}
	conditions := []any{}
	for _, t := range letters(r, "AB", 2) {
		conditions = append(conditions, map[string]any{"type": t, "status": word(r)})
	}
	status["conditions"] = conditions
	return map[string]any{"apiVersion": "example.com/v1", "kind": "Widget",
		"metadata": map[string]any{"name": "w", "namespace": "default"}, "status": status}
}

// draw makes a sequence of a few managers that write over each other.
func draw(r *rand.Rand) *sequence {
	q := &sequence{Name: fmt.Sprintf("drawn %d", r.Int31()), Kind: "example.com/v1/Widget", Schema: parsed(drawnSchema),
		HasStatus: true}
	for i := 0; i < 7; i++ {
		s := &step{Op: "update", Manager: "abc"[r.Intn(3):][:1], Object: drawnObject(r, false)}
		switch n := r.Intn(8); {
		case n < 4:
			s.Op, s.Manager, s.Force = "apply", "xy"[r.Intn(2):][:1], r.Intn(2) == 0
			s.Object = drawnObject(r, true)
		case n == 4 && i > 0:
			s.Op, s.Subresource, s.Force = "apply", "status", r.Intn(2) == 0
			s.Object = drawnStatus(r)
		}
		if i == 0 && s.Op == "update" {
			s.Op = "create"
		}
		q.Steps = append(q.Steps, s)
	}
	return q
}
