// Reads the Go sources of Kubernetes' API types and writes the tables of kube/types/ (the format is told in
// kube/types/parse.c). scripts/import-types calls it.
package main

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

// One Go package that becomes one file.
type source struct {
	file    string // name of the table
	module  string // which module
	dir     string // inside the module
	group   string // of its kinds
	version string
	types   map[string]*ast.TypeSpec
	docs    map[string][]string // "+name=value" lines of a type
	imports map[*ast.TypeSpec]map[string]string
	consts  map[string]string // string constants, for defaults
	paths   string            // import path
	wanted  map[string]bool
}

var sources = []*source{
	{file: "admissionregistration_v1", module: "api", dir: "admissionregistration/v1", group: "admissionregistration.k8s.io", version: "v1"},
	{file: "apiextensions_v1", module: "apiextensions-apiserver", dir: "pkg/apis/apiextensions/v1", group: "apiextensions.k8s.io", version: "v1"},
	{file: "apps_v1", module: "api", dir: "apps/v1", group: "apps", version: "v1"},
	{file: "authentication_v1", module: "api", dir: "authentication/v1", group: "authentication.k8s.io", version: "v1"},
	{file: "authorization_v1", module: "api", dir: "authorization/v1", group: "authorization.k8s.io", version: "v1"},
	{file: "autoscaling_v1", module: "api", dir: "autoscaling/v1", group: "autoscaling", version: "v1"},
	{file: "autoscaling_v2", module: "api", dir: "autoscaling/v2", group: "autoscaling", version: "v2"},
	{file: "batch_v1", module: "api", dir: "batch/v1", group: "batch", version: "v1"},
	{file: "certificates_v1", module: "api", dir: "certificates/v1", group: "certificates.k8s.io", version: "v1"},
	{file: "coordination_v1", module: "api", dir: "coordination/v1", group: "coordination.k8s.io", version: "v1"},
	{file: "core_v1", module: "api", dir: "core/v1", group: "", version: "v1"},
	{file: "discovery_v1", module: "api", dir: "discovery/v1", group: "discovery.k8s.io", version: "v1"},
	{file: "events_v1", module: "api", dir: "events/v1", group: "events.k8s.io", version: "v1"},
	{file: "flowcontrol_v1", module: "api", dir: "flowcontrol/v1", group: "flowcontrol.apiserver.k8s.io", version: "v1"},
	{file: "meta_v1", module: "apimachinery", dir: "pkg/apis/meta/v1", group: "meta.k8s.io", version: "v1"},
	{file: "networking_v1", module: "api", dir: "networking/v1", group: "networking.k8s.io", version: "v1"},
	{file: "node_v1", module: "api", dir: "node/v1", group: "node.k8s.io", version: "v1"},
	{file: "policy_v1", module: "api", dir: "policy/v1", group: "policy", version: "v1"},
	{file: "rbac_v1", module: "api", dir: "rbac/v1", group: "rbac.authorization.k8s.io", version: "v1"},
	{file: "scheduling_v1", module: "api", dir: "scheduling/v1", group: "scheduling.k8s.io", version: "v1"},
	{file: "storage_v1", module: "api", dir: "storage/v1", group: "storage.k8s.io", version: "v1"},
}

// Types with marshalling of their own, and the letter that the table gives them.
var special = map[string]string{
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":                                             "t",
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":                                        "m",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":                                         "d",
	"k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1":                                         "f",
	"k8s.io/apimachinery/pkg/api/resource.Quantity":                                         "q",
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString":                                       "x",
	"k8s.io/apimachinery/pkg/runtime.RawExtension":                                          "r",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSON":                         "j",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrArray":       "A",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrBool":        "B",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrStringArray": "C",
}

var scalars = map[string]string{
	"string": "s", "bool": "b", "int32": "i", "int64": "l", "int": "l", "uint32": "u", "uint64": "U", "float64": "D",
}

// Kinds of meta.k8s.io that the core group knows as its own.
var unversioned = map[string]bool{
	"Status": true, "List": true, "APIVersions": true, "APIGroup": true, "APIGroupList": true, "APIResourceList": true,
}

// Types of a package that are of no use to a server: helpers of Go, and what old releases had.
var unwanted = map[string]bool{
	"InternalEvent": true, "PodStatusResult": true, "RangeAllocation": true, "SerializedReference": true,
	"PreferAvoidPodsEntry": true, "AvoidPods": true, "ConversionRequest": true, "ConversionResponse": true,
	"ConversionReview": true, "Timestamp": true, "TypeMeta": true, "ByObjectMeta": true,
}

var modules = map[string]*string{}
var byPath = map[string]*source{}

func fatal(format string, a ...any) {
	fmt.Fprintf(os.Stderr, "import-types: "+format+"\n", a...)
	os.Exit(1)
}

// "+name" or "+name=value" lines of a comment, without the plus.
func markers(group *ast.CommentGroup) (found []string) {
	if group == nil {
		return nil
	}
	for _, line := range strings.Split(group.Text(), "\n") {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "+") {
			found = append(found, line[1:])
		}
	}
	return found
}

func marker(marks []string, name string) (value string, ok bool) {
	for _, m := range marks {
		if m == name {
			return "", true
		}
		if strings.HasPrefix(m, name+"=") {
			value, ok = m[len(name)+1:], true
		}
	}
	return value, ok
}

func markerAll(marks []string, name string) (values []string) {
	for _, m := range marks {
		if strings.HasPrefix(m, name+"=") {
			values = append(values, m[len(name)+1:])
		}
	}
	return values
}

func (s *source) readFile(file *ast.File) {
	imports := map[string]string{}
	for _, i := range file.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		name := filepath.Base(path)
		if i.Name != nil {
			name = i.Name.Name
		}
		imports[name] = path
	}
	for _, d := range file.Decls {
		gen, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range gen.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				s.types[spec.Name.Name] = spec
				s.docs[spec.Name.Name] = append(markers(gen.Doc), markers(spec.Doc)...)
				s.imports[spec] = imports
			case *ast.ValueSpec:
				for i, name := range spec.Names {
					if i < len(spec.Values) {
						if lit, ok := spec.Values[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
							s.consts[name.Name], _ = strconv.Unquote(lit.Value)
						}
					}
				}
			}
		}
	}
}

func (s *source) read(dir string) {
	s.types, s.docs = map[string]*ast.TypeSpec{}, map[string][]string{}
	s.imports, s.consts = map[*ast.TypeSpec]map[string]string{}, map[string]string{}
	files, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	for _, name := range files {
		base := filepath.Base(name)
		if strings.HasSuffix(base, "_test.go") || strings.Contains(base, "generated") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			fatal("%v", err)
		}
		s.readFile(parsed)
	}
	if len(s.types) == 0 {
		fatal("%s: no types", dir)
	}
}

// Where a type expression leads: package path and name; "" for a predeclared type.
func (s *source) resolve(in *ast.TypeSpec, e ast.Expr) (path, name string) {
	switch e := e.(type) {
	case *ast.Ident:
		if _, ok := s.types[e.Name]; ok {
			return s.paths, e.Name
		}
		return "", e.Name
	case *ast.SelectorExpr:
		return s.imports[in][e.X.(*ast.Ident).Name], e.Sel.Name
	}
	return "", ""
}

// Named types of packages that have no table: what they are.
var foreign = map[string]string{
	"k8s.io/apimachinery/pkg/types.UID":            "string",
	"k8s.io/apimachinery/pkg/types.NodeName":       "string",
	"k8s.io/apimachinery/pkg/types.NamespacedName": "",
}

type shape struct {
	letter   string // scalar, or a reference to a type
	repeated bool
	mapped   bool
	pointer  bool
	goType   string // as reflection prints it, without a pointer in front
}

func goName(path, name string) string {
	if path == "" {
		return name
	}
	return filepath.Base(path) + "." + name
}

// What the type expression of a field is.
func (s *source) shapeOf(in *ast.TypeSpec, e ast.Expr) shape {
	switch e := e.(type) {
	case *ast.StarExpr:
		inner := s.shapeOf(in, e.X)
		inner.pointer = true
		return inner
	case *ast.ArrayType:
		if id, ok := e.Elt.(*ast.Ident); ok && id.Name == "byte" {
			return shape{letter: "y", goType: "[]uint8"}
		}
		inner := s.shapeOf(in, e.Elt)
		if inner.repeated || inner.mapped {
			fatal("%s: a list of lists", in.Name.Name)
		}
		return shape{letter: inner.letter, repeated: true, goType: "[]" + inner.goType}
	case *ast.MapType:
		key, inner := s.shapeOf(in, e.Key), s.shapeOf(in, e.Value)
		if inner.repeated && inner.letter == "s" { // protobuf wraps these
			inner.letter, inner.repeated = "L", false
		}
		if inner.repeated || inner.mapped || key.letter != "s" {
			fatal("%s: a map of %v", in.Name.Name, inner)
		}
		return shape{letter: inner.letter, mapped: true, goType: "map[" + key.goType + "]" + inner.goType}
	case *ast.InterfaceType:
		return shape{letter: "j", goType: "interface {}"}
	case *ast.Ident, *ast.SelectorExpr:
		return s.named(in, e)
	}
	fatal("%s: unknown type expression %T", in.Name.Name, e)
	return shape{}
}

func (s *source) named(in *ast.TypeSpec, e ast.Expr) shape {
	path, name := s.resolve(in, e)
	full := goName(path, name)
	if path == "" {
		if letter, ok := scalars[name]; ok {
			return shape{letter: letter, goType: full}
		}
		if name == "any" {
			return shape{letter: "j", goType: "interface {}"}
		}
		fatal("%s: unknown type %s", in.Name.Name, name)
	}
	if letter, ok := special[path+"."+name]; ok {
		return shape{letter: letter, goType: full}
	}
	if under, ok := foreign[path+"."+name]; ok {
		return shape{letter: scalars[under], goType: full}
	}
	home := byPath[path]
	if home == nil {
		fatal("%s: package %s has no table", in.Name.Name, path)
	}
	spec := home.types[name]
	if _, ok := spec.Type.(*ast.StructType); ok {
		home.want(name)
		if home == s {
			return shape{letter: name, goType: full}
		}
		return shape{letter: home.file + "." + name, goType: full}
	}
	inner := home.shapeOf(spec, spec.Type)
	// References of the other package are written from here.
	if home != s && inner.letter != "" && len(inner.letter) > 1 && !strings.Contains(inner.letter, ".") {
		inner.letter = home.file + "." + inner.letter
	}
	if inner.repeated && inner.letter == "s" {
		if _, nullable := marker(home.docs[name], "protobuf.nullable"); nullable {
			inner.letter, inner.repeated = "L", false
		}
	}
	inner.goType = full
	return inner
}

func (s *source) want(name string) {
	s.wanted[name] = true
}

// The Go type that the C side writes for itself, so that only others need words.
func derived(s *source, sh shape) string {
	base := map[string]string{"s": "string", "b": "bool", "i": "int32", "l": "int64", "u": "uint32", "U": "uint64",
		"D": "float64", "y": "[]uint8", "q": "resource.Quantity", "t": "v1.Time", "m": "v1.MicroTime", "d": "v1.Duration",
		"f": "v1.FieldsV1", "x": "intstr.IntOrString", "r": "runtime.RawExtension", "j": "v1.JSON", "L": "[]string",
		"A": "v1.JSONSchemaPropsOrArray", "B": "v1.JSONSchemaPropsOrBool", "C": "v1.JSONSchemaPropsOrStringArray"}[sh.letter]
	if base == "" {
		home, name := s, sh.letter
		if at := strings.IndexByte(name, '.'); at >= 0 {
			for _, other := range sources {
				if other.file == name[:at] {
					home = other
				}
			}
			name = name[at+1:]
		}
		base = goName(home.paths, name)
	}
	if sh.repeated {
		return "[]" + base
	}
	if sh.mapped {
		return "map[string]" + base
	}
	return base
}

func (s *source) defaultOf(value string) string {
	if strings.HasPrefix(value, "ref(") {
		name := strings.TrimSuffix(value[len("ref("):], ")")
		text, ok := s.consts[name]
		if !ok {
			fatal("%s: default refers to %s", s.file, name)
		}
		return strconv.Quote(text)
	}
	return value
}

func has(options []string, word string) bool {
	for _, o := range options {
		if o == word {
			return true
		}
	}
	return false
}

func (s *source) flagsOf(sh shape, tag reflect.StructTag, options, marks []string) string {
	flags := ""
	add := func(on bool, letter string) {
		if on {
			flags += letter
		}
	}
	value := func(name, want string) bool {
		got, _ := marker(marks, name)
		return got == want
	}
	_, optional := marker(marks, "optional")
	_, required := marker(marks, "required")
	omit := has(options, "omitempty") || has(options, "omitzero")
	add(sh.pointer, "*")
	add(has(options, "omitempty"), "?")
	add(has(options, "omitzero"), "z")
	add(!optional && (required || !omit), "!")
	add(value("structType", "atomic") || value("mapType", "atomic"), "a")
	add(value("listType", "set"), "s")
	add(value("listType", "map"), "m")
	for _, strategy := range strings.Split(tag.Get("patchStrategy"), ",") {
		add(strategy == "merge", "p")
		add(strategy == "retainKeys", "k")
		add(strategy == "replace", "r")
	}
	if flags == "" {
		flags = "-"
	}
	if keys := markerAll(marks, "listMapKey"); len(keys) > 0 {
		flags += " K=" + strings.Join(keys, ",")
	}
	if key := tag.Get("patchMergeKey"); key != "" {
		flags += " P=" + key
	}
	if sh.goType != derived(s, sh) && !strings.Contains(sh.goType, " ") {
		flags += " G=" + sh.goType
	}
	if def, ok := marker(marks, "default"); ok {
		flags += " D=" + s.defaultOf(def)
	}
	return flags
}

// The line of one field, "" when JSON does not have it.
func (s *source) field(in *ast.TypeSpec, f *ast.Field) string {
	tag := reflect.StructTag("")
	if f.Tag != nil {
		text, _ := strconv.Unquote(f.Tag.Value)
		tag = reflect.StructTag(text)
	}
	options := strings.Split(tag.Get("json"), ",")
	name := options[0]
	if name == "-" {
		return ""
	}
	if len(f.Names) == 0 && name == "" {
		if path, typ := s.resolve(in, f.Type); path == byFile("meta_v1").paths && typ == "TypeMeta" {
			return "" // the kind's line tells
		}
		name = "-"
	}
	if name == "" {
		fatal("%s: a field without a JSON name", in.Name.Name)
	}
	number, packed := 0, strings.Split(tag.Get("protobuf"), ",")
	if len(packed) > 1 {
		number, _ = strconv.Atoi(packed[1])
	}
	sh := s.shapeOf(in, f.Type)
	letter := sh.letter
	if sh.repeated {
		letter = "[]" + letter
	}
	if sh.mapped {
		letter = "{}" + letter
	}
	return fmt.Sprintf("%d %s %s %s\n", number, name, letter, s.flagsOf(sh, tag, options[1:], markers(f.Doc)))
}

func (s *source) isKind(spec *ast.TypeSpec) bool {
	for _, f := range spec.Type.(*ast.StructType).Fields.List {
		if len(f.Names) == 0 {
			path, name := s.resolve(spec, f.Type)
			if path == byFile("meta_v1").paths && name == "TypeMeta" {
				return true
			}
		}
	}
	return false
}

func byFile(name string) *source {
	for _, s := range sources {
		if s.file == name {
			return s
		}
	}
	return nil
}

func (s *source) describe(name string) string {
	spec := s.types[name]
	out := "=" + name
	if s.isKind(spec) || s.file == "meta_v1" && name == "WatchEvent" {
		out += " k"
		if !s.isKind(spec) {
			out += "t" // found by kind, but has no kind of its own in JSON
		}
		if s.file == "meta_v1" && unversioned[name] {
			out += "0"
		}
	}
	out += "\n"
	if value, ok := marker(s.docs[name], "structType"); ok && value == "atomic" {
		out = strings.TrimSuffix(out, "\n") + " a\n"
	}
	for _, f := range spec.Type.(*ast.StructType).Fields.List {
		out += s.field(spec, f)
	}
	return out
}

// "k8s.io/api/core/v1" is "io.k8s.api.core.v1" in OpenAPI.
func openapiName(path string) string {
	first, rest, _ := strings.Cut(path, "/")
	parts := strings.Split(first, ".")
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return strings.Join(parts, ".") + "." + strings.ReplaceAll(rest, "/", ".")
}

func main() {
	for _, name := range []string{"api", "apimachinery", "apiextensions-apiserver"} {
		modules[name] = flag.String(strings.TrimSuffix(name, "-apiserver"), "", "where module k8s.io/"+name+" lies")
	}
	version := flag.String("version", "", "of the modules")
	out := flag.String("out", "", "where the tables go")
	flag.Parse()
	for _, s := range sources {
		s.paths = "k8s.io/" + s.module + "/" + s.dir
		s.wanted = map[string]bool{}
		byPath[s.paths] = s
		s.read(filepath.Join(*modules[s.module], s.dir))
	}
	texts := map[*source]map[string]string{}
	for _, s := range sources {
		texts[s] = map[string]string{}
		for name, spec := range s.types {
			if _, ok := spec.Type.(*ast.StructType); ok && ast.IsExported(name) && !unwanted[name] && s.isKind(spec) {
				s.want(name)
			}
		}
	}
	byFile("meta_v1").want("WatchEvent")
	byFile("meta_v1").want("Condition")
	byFile("meta_v1").want("LabelSelector")
	// Describing a type wants others; until nothing new turns up.
	for again := true; again; {
		again = false
		for _, s := range sources {
			for name := range s.wanted {
				if _, done := texts[s][name]; !done {
					texts[s][name] = s.describe(name)
					again = true
				}
			}
		}
	}
	total := 0
	for _, s := range sources {
		text := fmt.Sprintf("# k8s.io/%s %s; scripts/import-types made this\npackage %s %s %s\n", s.module, *version,
			openapiName(s.paths), s.version, s.group)
		var names []string
		for name := range texts[s] {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			text += texts[s][name]
		}
		total += len(text)
		if err := os.WriteFile(filepath.Join(*out, s.file+".types"), []byte(text), 0o644); err != nil {
			fatal("%v", err)
		}
	}
	fmt.Printf("%d bytes\n", total)
}
