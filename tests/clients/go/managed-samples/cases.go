package main

import "fmt"

// sized is a small resource with a list, a map and a status.
const sizedSchema = `{"type":"object","properties":{"spec":{"type":"object","properties":{
"size":{"type":"integer"},"name":{"type":"string"},"flag":{"type":"boolean"},
"labels":{"type":"object","additionalProperties":{"type":"string"}},
"atoms":{"type":"array","items":{"type":"string"}},
"words":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
"items":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],
 "items":{"type":"object","required":["name"],"properties":{"name":{"type":"string"},"v":{"type":"string"}}}},
"ports":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["port","protocol"],
 "items":{"type":"object","required":["port"],"properties":{"port":{"type":"integer"},"protocol":{"type":"string","default":"TCP"},
 "note":{"type":"string"}}}},
"any":{"x-kubernetes-preserve-unknown-fields":true}}},
"status":{"type":"object","properties":{"phase":{"type":"string"}}}}}`

func widget(spec string) map[string]any {
	return parsed(`{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w","namespace":"default"},"spec":` +
		spec + `}`)
}

func custom(name string, steps ...*step) *sequence {
	return &sequence{Name: name, Kind: "example.com/v1/Widget", Schema: parsed(sizedSchema), HasStatus: true, Steps: steps}
}

func create(manager, spec string) *step {
	return &step{Op: "create", Manager: manager, Object: widget(spec)}
}

func update(manager, spec string) *step {
	return &step{Op: "update", Manager: manager, Object: widget(spec)}
}

func apply(manager, spec string) *step {
	return &step{Op: "apply", Manager: manager, Object: widget(spec)}
}

func force(s *step) *step {
	s.Force = true
	return s
}

func at(subresource string, s *step) *step {
	s.Subresource = subresource
	return s
}

// meta sets a member of the object's metadata.
func meta(key, value string, s *step) *step {
	s.Object["metadata"].(map[string]any)[key] = parsed(`{"v":` + value + `}`)["v"]
	return s
}

func status(op, manager, phase string) *step {
	body := widget(`{"size":9}`)
	body["status"] = map[string]any{"phase": phase}
	return &step{Op: op, Manager: manager, Subresource: "status", Object: body}
}

func builtin(name, kind string, steps ...*step) *sequence {
	return &sequence{Name: name, Kind: kind, Steps: steps}
}

func raw(op, manager, body string) *step {
	return &step{Op: op, Manager: manager, Object: parsed(body)}
}

func manyUpdaters() *sequence {
	q := custom("eleven updaters", create("first", `{"size":0}`))
	for i := 0; i < 13; i++ {
		q.Steps = append(q.Steps, update(fmt.Sprintf("m%02d", i), fmt.Sprintf(`{"size":0,"labels":{"k%d":"v"%s}}`, i, kept(i))))
	}
	return q
}

func kept(n int) string {
	out := ""
	for i := 0; i < n; i++ {
		out += fmt.Sprintf(`,"k%d":"v"`, i)
	}
	return out
}

const annotated = `{"kubectl.kubernetes.io/last-applied-configuration":"{\"apiVersion\":\"example.com/v1\",` +
	`\"kind\":\"Widget\",\"metadata\":{\"name\":\"w\",\"namespace\":\"default\"},\"spec\":{\"size\":1,\"name\":\"a\"}}\n"}`

func customCases() []*sequence {
	return []*sequence{
		custom("create and update", create("a", `{"size":1,"labels":{"x":"1"}}`), update("b", `{"size":2,"labels":{"x":"1"}}`),
			update("b", `{"size":2}`)),
		custom("same state again", create("a", `{"size":1}`), update("b", `{"size":1}`)),
		custom("apply creates", apply("x", `{"size":1,"items":[{"name":"a","v":"1"}],"words":["p","q"],"atoms":["s"]}`)),
		custom("apply again", apply("x", `{"size":1}`), apply("x", `{"size":1}`)),
		custom("apply lets go", apply("x", `{"size":1,"name":"a","words":["p","q"]}`), apply("x", `{"size":1,"words":["q"]}`)),
		custom("apply nothing", apply("x", `{"size":1,"items":[{"name":"a"}]}`), apply("x", `{}`)),
		custom("co-owned stays", apply("x", `{"size":1,"name":"a"}`), apply("y", `{"size":1}`), apply("x", `{"name":"a"}`),
			apply("y", `{}`)),
		custom("conflict with an applier", apply("x", `{"size":1}`), apply("y", `{"size":2}`), force(apply("y", `{"size":2}`))),
		custom("conflict with an updater", create("a", `{"size":1,"name":"n"}`), apply("y", `{"size":2}`),
			apply("y", `{"size":2,"name":"m"}`), force(apply("y", `{"size":2,"name":"m"}`))),
		custom("conflicts with several", create("a", `{"size":1}`), apply("x", `{"name":"n","words":["p"],"items":[{"name":"i","v":"1"}]}`),
			apply("y", `{"size":2,"name":"m","items":[{"name":"i","v":"2"}],"words":["p"]}`)),
		custom("conflict with status", create("a", `{"size":1}`), status("update", "ctl", "Ready"), status("apply", "x", "Failed"),
			force(status("apply", "x", "Failed"))),
		custom("status through the object", create("a", `{"size":1}`), &step{Op: "apply", Manager: "x",
			Object: status("", "", "Ready").Object}),
		custom("same manager twice", create("x", `{"size":1,"name":"n"}`), force(apply("x", `{"size":2}`)), update("x", `{"size":3,"name":"n"}`)),
		custom("shared value", create("a", `{"size":1}`), apply("x", `{"size":1}`), apply("y", `{"size":1}`)),
		custom("order of a keyed list", create("a", `{"items":[{"name":"a"},{"name":"b"},{"name":"c"}]}`),
			apply("x", `{"items":[{"name":"c"},{"name":"n"},{"name":"a"}]}`), apply("x", `{"items":[{"name":"n"},{"name":"c"}]}`)),
		custom("default of a key", apply("x", `{"ports":[{"port":80,"note":"a"}]}`), apply("y", `{"ports":[{"port":80,"protocol":"UDP"}]}`),
			apply("x", `{"ports":[{"port":80,"note":"b"}]}`)),
		custom("duplicates stored", create("a", `{"words":["p","p","q"],"items":[{"name":"i","v":"1"},{"name":"i","v":"2"}]}`),
			apply("x", `{"words":["q"],"items":[{"name":"j"}]}`), force(apply("x", `{"items":[{"name":"i","v":"3"}]}`)),
			update("b", `{"words":["p","q"],"items":[{"name":"i","v":"1"}]}`)),
		custom("unknown field", apply("x", `{"size":1,"foo":2}`)),
		custom("wrong types", apply("x", `{"size":"big"}`), apply("x", `{"name":[1,{"a":"b"}]}`), apply("x", `{"flag":1}`),
			apply("x", `{"atoms":{"a":true}}`), apply("x", `{"labels":["p",2]}`), apply("x", `{"words":[{}]}`),
			apply("x", `{"atoms":["p",3]}`), apply("x", `{"items":[{"name":"a","v":1}]}`)),
		custom("duplicate key in a patch", apply("x", `{"items":[{"name":"a"},{"name":"a"}],"words":["p","p"]}`)),
		custom("item without a key", apply("x", `{"items":[{"v":"1"}]}`)),
		custom("item that is null", apply("x", `{"items":[null]}`)),
		custom("managedFields in a patch", meta("managedFields", `[]`, apply("x", `{}`))),
		custom("cleared", create("a", `{"size":1}`), meta("managedFields", `[]`, update("b", `{"size":2}`)), update("b", `{"size":3}`),
			apply("x", `{"size":4}`)),
		custom("cleared with an empty entry", create("a", `{"size":1}`), meta("managedFields", `[{}]`, update("b", `{"size":1}`))),
		custom("entries of a client's own", create("a", `{"size":1}`), meta("managedFields",
			`[{"manager":"z","operation":"Update","apiVersion":"example.com/v1","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:size":{}}}}]`,
			update("b", `{"size":1}`))),
		custom("entries that cannot be read", create("a", `{"size":1}`), meta("managedFields",
			`[{"manager":"z","operation":"Replace","apiVersion":"example.com/v1","fieldsType":"FieldsV1"}]`, update("b", `{"size":1}`))),
		custom("metadata", meta("labels", `{"a":"1"}`, meta("finalizers", `["f/1"]`, create("a", `{}`))),
			meta("labels", `{"b":"2"}`, meta("finalizers", `["f/2"]`, apply("x", `{}`))),
			meta("ownerReferences", `[{"apiVersion":"v1","kind":"Pod","name":"p","uid":"o"}]`, apply("y", `{}`))),
		custom("null in a patch", create("a", `{"size":1,"labels":{"a":"1"}}`), apply("x", `{"labels":null,"name":null}`)),
		custom("anything", create("a", `{"any":{"l":[1,2],"m":{"n":1}}}`), apply("x", `{"any":{"m":{"o":2}}}`),
			apply("x", `{"any":5}`), force(apply("x", `{"any":5}`))),
		custom("kubectl takes over", meta("annotations", annotated, create("kubectl-client-side-apply", `{"size":1,"name":"a"}`)),
			apply("kubectl", `{"size":2}`), apply("kubectl", `{"size":3,"name":"b"}`)),
		custom("kubectl meets a change", meta("annotations", annotated, create("kubectl-client-side-apply", `{"size":1,"name":"a"}`)),
			meta("annotations", annotated, update("other", `{"size":5,"name":"a"}`)), apply("kubectl", `{"size":2,"name":"b"}`)),
		manyUpdaters(),
	}
}

const deployment = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","namespace":"default"%s},"spec":{%s` +
	`"selector":{"matchLabels":{"app":"a"}},"template":{"metadata":{"labels":{"app":"a"}},"spec":{"containers":[%s]}}}}`

func deploy(op, manager, metadata, spec, containers string) *step {
	return raw(op, manager, fmt.Sprintf(deployment, metadata, spec, containers))
}

const service = `{"apiVersion":"v1","kind":"Service","metadata":{"name":"s","namespace":"default"},"spec":{"ports":[%s]}}`

const configMap = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"default"%s},"data":{%s}}`

func builtinCases() []*sequence {
	main := `{"name":"c","image":"i:1"}`
	return []*sequence{
		builtin("deployment created", "apps/v1/Deployment", deploy("create", "kubectl-create", "", `"replicas":2,`,
			`{"name":"c","image":"i:1","ports":[{"containerPort":80,"protocol":"TCP"}],"env":[{"name":"A","value":"1"}],`+
				`"resources":{"limits":{"cpu":"1"}}}`)),
		builtin("deployment applied", "apps/v1/Deployment", deploy("apply", "x", "", `"replicas":2,`, main),
			deploy("apply", "y", "", `"replicas":3,`, `{"name":"c","image":"i:2"}`),
			deploy("apply", "y", "", "", `{"name":"side","image":"s:1"}`), deploy("apply", "x", "", "", main)),
		builtin("deployment scaled by another", "apps/v1/Deployment", deploy("apply", "x", "", `"replicas":2,`, main),
			deploy("update", "hpa", "", `"replicas":5,`, main), deploy("apply", "x", "", `"replicas":2,`, main),
			deploy("apply", "x", "", "", main)),
		builtin("unknown field of a kind", "apps/v1/Deployment", deploy("apply", "x", "", `"replica":2,`, main)),
		builtin("wrong type of a field", "apps/v1/Deployment", deploy("apply", "x", "", `"replicas":"2",`, main)),
		builtin("service ports", "/v1/Service", raw("apply", "x", fmt.Sprintf(service, `{"port":80,"targetPort":80,"protocol":"TCP"}`)),
			raw("apply", "y", fmt.Sprintf(service, `{"port":80,"targetPort":80,"protocol":"UDP"},{"port":80,"targetPort":80}`)),
			raw("apply", "y", fmt.Sprintf(service, `{"port":53,"name":"dns","targetPort":"dns"}`))),
		builtin("config map", "/v1/ConfigMap", raw("create", "a", fmt.Sprintf(configMap, "", `"k":"1"`)),
			raw("apply", "x", fmt.Sprintf(configMap, "", `"k":"2","l":"1"`)),
			raw("apply", "x", fmt.Sprintf(configMap, `,"labels":{"a":"b"}`, `"l":"1"`)),
			raw("apply", "x", fmt.Sprintf(configMap, "", ``))),
		builtin("pod created", "/v1/Pod", raw("create", "a", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"default"},`+
			`"spec":{"containers":[{"name":"c","image":"i"}],"volumes":[{"name":"v","emptyDir":{}}],"tolerations":[{"key":"a"}]}}`),
			at("status", raw("update", "kubelet", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"default"},`+
				`"spec":{"containers":[{"name":"c","image":"i"}],"volumes":[{"name":"v","emptyDir":{}}],"tolerations":[{"key":"a"}]},`+
				`"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}`))),
		builtin("claim created", "/v1/PersistentVolumeClaim", raw("create", "a",
			`{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"p","namespace":"default"},"spec":{`+
				`"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}},"storageClassName":"s"}}`)),
		builtin("secret created", "/v1/Secret", raw("create", "a",
			`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"p","namespace":"default"},"data":{"k":"djE="},"type":"Opaque"}`),
			raw("apply", "x", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"p","namespace":"default"},"data":{"l":"djE="}}`)),
		builtin("role created", "rbac.authorization.k8s.io/v1/Role", raw("create", "a",
			`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"p","namespace":"default"},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]}`),
			raw("apply", "x", `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"p","namespace":"default"},"rules":[]}`)),
	}
}

func cases() []*sequence {
	return append(customCases(), builtinCases()...)
}
