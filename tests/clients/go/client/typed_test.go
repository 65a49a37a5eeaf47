package client

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/pager"
	"k8s.io/client-go/util/retry"
)

func deployment(name string) *appsv1.Deployment {
	replicas, labels := int32(2), map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name:  "server",
					Image: "example/server:1",
					Env:   []corev1.EnvVar{{Name: "MODE", Value: "plain"}},
					Ports: []corev1.ContainerPort{{ContainerPort: 8080}},
					Resources: corev1.ResourceRequirements{
						Requests: corev1.ResourceList{"cpu": resource.MustParse("250m"), "memory": resource.MustParse("1Gi")},
					},
					LivenessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{
						HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromInt32(8080)}}},
				}}},
			},
		},
	}
}

// Typed clients with protobuf, both ways, as every controller of today has them.
func TestProtobuf(t *testing.T) {
	var seen traffic
	c := protobufConfig()
	c.Wrap(seen.wrap)
	client, ctx := clientset(t, c), background(t)
	ns := namespace(t, client)

	made, err := client.AppsV1().Deployments(ns).Create(ctx, deployment("web"), metav1.CreateOptions{})
	ok(t, err)
	container := made.Spec.Template.Spec.Containers[0]
	equal(t, "image", container.Image, "example/server:1")
	equal(t, "cpu", container.Resources.Requests.Cpu().String(), "250m")
	equal(t, "probe's port", container.LivenessProbe.HTTPGet.Port.IntValue(), 8080)
	equal(t, "generation", made.Generation, int64(1))
	if made.UID == "" || made.ResourceVersion == "" || made.CreationTimestamp.IsZero() {
		t.Fatalf("incomplete metadata: %+v", made.ObjectMeta)
	}
	made.Spec.Template.Spec.Containers[0].Image = "example/server:2"
	made, err = client.AppsV1().Deployments(ns).Update(ctx, made, metav1.UpdateOptions{})
	ok(t, err)
	equal(t, "generation after a change", made.Generation, int64(2))
	made.Status.Replicas = 7
	made, err = client.AppsV1().Deployments(ns).UpdateStatus(ctx, made, metav1.UpdateOptions{})
	ok(t, err)
	equal(t, "status.replicas", made.Status.Replicas, int32(7))

	secret, err := client.CoreV1().Secrets(ns).Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "s"}, Data: map[string][]byte{"bytes": {0, 1, 254, 255}}}, metav1.CreateOptions{})
	ok(t, err)
	equal(t, "secret", string(secret.Data["bytes"]), "\x00\x01\xfe\xff")
	equal(t, "type of secret", secret.Type, corev1.SecretTypeOpaque)

	holder, now := "me", metav1.NowMicro()
	lease, err := client.CoordinationV1().Leases(ns).Create(ctx, &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: "l"},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &holder, RenewTime: &now}}, metav1.CreateOptions{})
	ok(t, err)
	equal(t, "renewTime", lease.Spec.RenewTime.UnixMicro(), now.UnixMicro())

	list, err := client.AppsV1().Deployments(ns).List(ctx, metav1.ListOptions{LabelSelector: "app=web"})
	ok(t, err)
	equal(t, "deployments", len(list.Items), 1)
	equal(t, "image in the list", list.Items[0].Spec.Template.Spec.Containers[0].Image, "example/server:2")
	if !seen.any(func(r request) bool { return r.method == "POST" && r.protobuf }) {
		t.Fatal("no body was protobuf")
	}
	if !seen.any(func(r request) bool { return r.method == "POST" && strings.Contains(r.answer, "protobuf") }) {
		t.Log("answers came as JSON")
	}
}

// Every writer gets through in the end, and no write is lost.
func TestConflictRetry(t *testing.T) {
	client, ctx := clientset(t, protobufConfig()), background(t)
	ns := namespace(t, client)
	maps := client.CoreV1().ConfigMaps(ns)
	const writers, writes = 4, 5

	must(maps.Create(ctx, configMap("tally", nil), metav1.CreateOptions{}))(t)
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range writes {
				err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
					tally, err := maps.Get(ctx, "tally", metav1.GetOptions{})
					if err != nil {
						return err
					}
					if tally.Data == nil {
						tally.Data = map[string]string{}
					}
					tally.Data[fmt.Sprintf("%d-%d", w, i)] = "x"
					_, err = maps.Update(ctx, tally, metav1.UpdateOptions{})
					return err
				})
				for err != nil && ctx.Err() == nil { // more conflicts than the backoff has steps
					t.Logf("writer %d: %v", w, err)
					_, err = maps.Patch(ctx, "tally", "application/merge-patch+json",
						[]byte(fmt.Sprintf(`{"data":{"%d-%d":"x"}}`, w, i)), metav1.PatchOptions{})
				}
			}
		})
	}
	group.Wait()
	tally := must(maps.Get(ctx, "tally", metav1.GetOptions{}))(t)
	equal(t, "entries", len(tally.Data), writers*writes)
}

func TestDeleteCollection(t *testing.T) {
	client, ctx := clientset(t, protobufConfig()), background(t)
	ns := namespace(t, client)
	maps := client.CoreV1().ConfigMaps(ns)

	for i, colour := range []string{"red", "green", "red", "green", "red"} {
		c := configMap(fmt.Sprintf("c%d", i), nil)
		c.Labels = map[string]string{"colour": colour}
		must(maps.Create(ctx, c, metav1.CreateOptions{}))(t)
	}
	ok(t, maps.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "colour=red"}))
	equal(t, "red ones", len(must(maps.List(ctx, metav1.ListOptions{LabelSelector: "colour=red"}))(t).Items), 0)
	equal(t, "green ones", len(must(maps.List(ctx, metav1.ListOptions{LabelSelector: "colour=green"}))(t).Items), 2)
}

// A list in pages is one moment, whatever is written in between.
func TestPages(t *testing.T) {
	client, ctx := clientset(t, protobufConfig()), background(t)
	ns := namespace(t, client)
	secrets := client.CoreV1().Secrets(ns)

	for i := range 7 {
		must(secrets.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("s%d", i)}}, metav1.CreateOptions{}))(t)
	}
	first := must(secrets.List(ctx, metav1.ListOptions{Limit: 3}))(t)
	equal(t, "first page", len(first.Items), 3)
	equal(t, "remaining", *first.RemainingItemCount, int64(4))
	ok(t, secrets.Delete(ctx, "s6", metav1.DeleteOptions{}))
	second := must(secrets.List(ctx, metav1.ListOptions{Limit: 3, Continue: first.Continue}))(t)
	third := must(secrets.List(ctx, metav1.ListOptions{Limit: 3, Continue: second.Continue}))(t)
	equal(t, "last of the moment", third.Items[0].Name, "s6")
	equal(t, "moment", third.ResourceVersion, first.ResourceVersion)
	equal(t, "continue at the end", third.Continue, "")

	names := ""
	p := pager.New(func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return secrets.List(ctx, o) })
	p.PageSize = 2
	ok(t, p.EachListItem(ctx, metav1.ListOptions{}, func(o runtime.Object) error {
		names += o.(*corev1.Secret).Name
		return nil
	}))
	equal(t, "names", names, "s0s1s2s3s4s5")
}

func TestScale(t *testing.T) {
	client, ctx := clientset(t, protobufConfig()), background(t)
	ns := namespace(t, client)
	deployments := client.AppsV1().Deployments(ns)

	must(deployments.Create(ctx, deployment("web"), metav1.CreateOptions{}))(t)
	scale := must(deployments.GetScale(ctx, "web", metav1.GetOptions{}))(t)
	equal(t, "replicas", scale.Spec.Replicas, int32(2))
	equal(t, "selector", scale.Status.Selector, "app=web")
	scale.Spec.Replicas = 5
	var answer *autoscalingv1.Scale
	answer = must(deployments.UpdateScale(ctx, "web", scale, metav1.UpdateOptions{}))(t)
	equal(t, "replicas in the answer", answer.Spec.Replicas, int32(5))
	equal(t, "replicas", *must(deployments.Get(ctx, "web", metav1.GetOptions{}))(t).Spec.Replicas, int32(5))
}

// A token for a service account is who it says it is.
func TestServiceAccountToken(t *testing.T) {
	client, ctx := clientset(t, protobufConfig()), background(t)
	ns := namespace(t, client)

	must(client.CoreV1().ServiceAccounts(ns).Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "robot"}}, metav1.CreateOptions{}))(t)
	token := must(client.CoreV1().ServiceAccounts(ns).CreateToken(ctx, "robot", &authenticationv1.TokenRequest{}, metav1.CreateOptions{}))(t)
	robot := rest.AnonymousClientConfig(config)
	robot.BearerToken = token.Status.Token
	review := must(clientset(t, robot).AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{}))(t)
	equal(t, "user", review.Status.UserInfo.Username, "system:serviceaccount:"+ns+":robot")

	checked := must(client.AuthenticationV1().TokenReviews().Create(ctx, &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: token.Status.Token}}, metav1.CreateOptions{}))(t)
	equal(t, "authenticated", checked.Status.Authenticated, true)
}
