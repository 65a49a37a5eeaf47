package main

import (
	"fmt"
	"math"
	"math/rand"
	"reflect"
	"time"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Fills a share (percent) of all fields with values that find mistakes: zeros behind pointers, extremes, odd texts.
type filler struct {
	rand  *rand.Rand
	share int
}

func pick[T any](f *filler, from ...T) T {
	return from[f.rand.Intn(len(from))]
}

func (f *filler) instant() time.Time {
	return pick(f, time.Unix(0, 0), time.Unix(1767225600, 123456789), time.Unix(-5, 0), time.Unix(1<<31, 999999000),
		time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 1000, time.UTC)).UTC()
}

func (f *filler) special(v reflect.Value) bool {
	switch p := v.Addr().Interface().(type) {
	case *metav1.TypeMeta:
	case *metav1.Time:
		p.Time = f.instant()
	case *metav1.MicroTime:
		p.Time = f.instant()
	case *metav1.Duration:
		p.Duration = pick(f, 0, time.Second, -90*time.Minute, 1500*time.Millisecond, 1, math.MaxInt64)
	case *metav1.FieldsV1:
		p.Raw = []byte(pick(f, `{"f:spec":{"f:x":{}}}`, `{}`))
	case *resource.Quantity:
		*p = resource.MustParse(pick(f, "0", "1", "1500m", "1Gi", "1024Mi", "0.5", "100n", "1e3", "12E", "-1", "1.5Gi", "123456789",
			"1000k", "0.1m", "1Ki", "9223372036854775807"))
	case *intstr.IntOrString:
		*p = pick(f, intstr.FromInt32(0), intstr.FromInt32(-7), intstr.FromInt32(8080), intstr.FromString("25%"), intstr.FromString(""))
	case *runtime.RawExtension:
		p.Raw = []byte(pick(f, `{"apiVersion":"v1","kind":"Secret","n":1.5}`, `[1,2,{"a":null}]`, `"text"`))
	case *apiextensions.JSON:
		p.Raw = []byte(pick(f, `{"a":[1,true,"x"]}`, `12`, `"text"`, `false`))
	case *apiextensions.JSONSchemaPropsOrArray:
		if p.Schema = f.schema(); f.rand.Intn(2) == 0 {
			p.JSONSchemas = []apiextensions.JSONSchemaProps{*f.schema(), *f.schema()}
			p.Schema = nil
		}
	case *apiextensions.JSONSchemaPropsOrBool:
		if p.Allows = f.rand.Intn(2) == 0; p.Allows && f.rand.Intn(2) == 0 {
			p.Schema = f.schema()
		}
	case *apiextensions.JSONSchemaPropsOrStringArray:
		if p.Schema = f.schema(); f.rand.Intn(2) == 0 {
			p.Property = []string{"a", ""}
			p.Schema = nil
		}
	default:
		return false
	}
	return true
}

func (f *filler) schema() *apiextensions.JSONSchemaProps {
	return &apiextensions.JSONSchemaProps{Type: pick(f, "string", "object"), Description: pick(f, "", "d")}
}

func (f *filler) text() string {
	return pick(f, "a", "name", "<b>&\"quoted\"\\", "ünïcödé \u2028", "line\nand\ttab", "x/y-z.1")
}

func (f *filler) fill(v reflect.Value, depth int) {
	if f.special(v) {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := 0; i < v.NumField(); i++ {
			if depth < 9 && f.rand.Intn(100) < f.share {
				f.fill(v.Field(i), depth+1)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		if f.rand.Intn(3) > 0 {
			f.fill(v.Elem(), depth+1)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(pick(f, "bytes", "\x00\xff\x80", "abcd", "")))
			return
		}
		n := 1 + f.rand.Intn(2)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := 0; i < n; i++ {
			f.fill(v.Index(i), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for i := 0; i < 1+f.rand.Intn(3); i++ {
			value := reflect.New(v.Type().Elem()).Elem()
			f.fill(value, depth+1)
			v.SetMapIndex(reflect.ValueOf(pick(f, "cpu", "memory", "", "a.b/c", "é")).Convert(v.Type().Key()), value)
		}
	case reflect.String:
		v.SetString(f.text())
	case reflect.Bool:
		v.SetBool(f.rand.Intn(2) == 0)
	case reflect.Int32:
		v.SetInt(pick(f, int64(0), 1, -1, math.MaxInt32, math.MinInt32, 300))
	case reflect.Int64, reflect.Int:
		v.SetInt(pick(f, int64(0), 1, -1, math.MaxInt64, math.MinInt64, 1<<40))
	case reflect.Float64:
		v.SetFloat(pick(f, 0, 1.5, -1e21, 3, 1e-7))
	default:
		panic(fmt.Sprint("unknown kind ", v.Kind(), " ", v.Type()))
	}
}
