package client

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/features"
	featurestesting "k8s.io/client-go/features/testing"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	toolswatch "k8s.io/client-go/tools/watch"
)

type tally struct{ added, updated, deleted atomic.Int32 }

func (n *tally) handler() cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { n.added.Add(1) },
		UpdateFunc: func(any, any) { n.updated.Add(1) },
		DeleteFunc: func(any) { n.deleted.Add(1) },
	}
}

// Informers in both ways: a list and a watch, and a watch that begins with what there is.
func TestInformers(t *testing.T) {
	for name, watchList := range map[string]bool{"list": false, "watchlist": true} {
		t.Run(name, func(t *testing.T) {
			featurestesting.SetFeatureDuringTest(t, features.WatchListClient, watchList)
			var seen traffic
			c := protobufConfig()
			c.Wrap(seen.wrap)
			client, ctx := clientset(t, c), background(t)
			ns := namespace(t, client)
			maps := client.CoreV1().Secrets(ns)

			for i := range 3 {
				must(maps.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("s%d", i)}}, metav1.CreateOptions{}))(t)
			}
			factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(ns))
			informer := factory.Core().V1().Secrets()
			var n tally
			must(informer.Informer().AddEventHandler(n.handler()))(t)
			stop := make(chan struct{})
			factory.Start(stop)
			equal(t, "synced", cache.WaitForCacheSync(ctx.Done(), informer.Informer().HasSynced), true)
			eventually(t, "three additions", func() bool { return n.added.Load() == 3 })
			streamed := seen.any(func(r request) bool {
				return strings.HasSuffix(r.path, "/secrets") && strings.Contains(r.query, "sendInitialEvents=true")
			})
			equal(t, "the list was streamed", streamed, watchList)

			s := must(maps.Get(ctx, "s0", metav1.GetOptions{}))(t)
			s.Data = map[string][]byte{"k": []byte("v")}
			must(maps.Update(ctx, s, metav1.UpdateOptions{}))(t)
			ok(t, maps.Delete(ctx, "s1", metav1.DeleteOptions{}))
			eventually(t, "an update and a delete", func() bool { return n.updated.Load() == 1 && n.deleted.Load() == 1 })
			cached := must(informer.Lister().Secrets(ns).Get("s0"))(t)
			equal(t, "cached", string(cached.Data["k"]), "v")
			close(stop)
			factory.Shutdown()
		})
	}
}

// Watches of metadata alone, which is how big caches are kept small.
func TestMetadata(t *testing.T) {
	t.Parallel()
	client, ctx := clientset(t, protobufConfig()), background(t)
	ns := namespace(t, client)
	gvr := schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	meta := must(metadata.NewForConfig(protobufConfig()))(t)
	factory := metadatainformer.NewFilteredSharedInformerFactory(meta, 0, ns, nil)
	informer := factory.ForResource(gvr)
	factory.Start(ctx.Done())
	equal(t, "synced", cache.WaitForCacheSync(ctx.Done(), informer.Informer().HasSynced), true)

	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s", Labels: map[string]string{"a": "b"}}, Data: map[string][]byte{"k": []byte("v")}}
	must(client.CoreV1().Secrets(ns).Create(ctx, s, metav1.CreateOptions{}))(t)
	eventually(t, "the secret's metadata", func() bool { _, err := informer.Lister().ByNamespace(ns).Get("s"); return err == nil })
	object := must(informer.Lister().ByNamespace(ns).Get("s"))(t)
	equal(t, "label", object.(*metav1.PartialObjectMetadata).Labels["a"], "b")
	one := must(meta.Resource(gvr).Namespace(ns).Get(ctx, "s", metav1.GetOptions{}))(t)
	equal(t, "label", one.Labels["a"], "b")
	list := must(meta.Resource(gvr).Namespace(ns).List(ctx, metav1.ListOptions{}))(t)
	equal(t, "items", len(list.Items), 1)
	ok(t, meta.Resource(gvr).Namespace(ns).Delete(ctx, "s", metav1.DeleteOptions{}))
	eventually(t, "its end", func() bool { _, err := informer.Lister().ByNamespace(ns).Get("s"); return err != nil })
}

// A watch that ends is taken up where it was; nothing is missed, nothing comes twice.
func TestRetryWatcher(t *testing.T) {
	t.Parallel()
	client, ctx := clientset(t, protobufConfig()), background(t)
	ns := namespace(t, client)
	secrets := client.CoreV1().Secrets(ns)
	list := must(secrets.List(ctx, metav1.ListOptions{}))(t)
	short := int64(1)
	watcher, err := toolswatch.NewRetryWatcherWithContext(ctx, list.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.TimeoutSeconds = &short
			return secrets.Watch(ctx, o)
		}})
	ok(t, err)
	defer watcher.Stop()
	// Two seconds of events see the end of a stream or two.
	count, next := 0, 0
	tick, end := time.NewTicker(250*time.Millisecond), time.After(2500*time.Millisecond)
	defer tick.Stop()
	for done := false; !done || next < count; {
		select {
		case <-tick.C:
			if !done {
				must(secrets.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("s%d", count)}}, metav1.CreateOptions{}))(t)
				count++
			}
		case event := <-watcher.ResultChan():
			equal(t, "type", event.Type, watch.Added)
			equal(t, "name", event.Object.(*corev1.Secret).Name, fmt.Sprintf("s%d", next))
			next++
		case <-end:
			done = true
		case <-ctx.Done():
			t.Fatalf("%d events of %d", next, count)
		}
	}
}

// One leads, the other follows when it lets go, and takes over when it is silent.
func TestLeaderElection(t *testing.T) {
	t.Parallel()
	client, ctx := clientset(t, protobufConfig()), background(t)
	ns := namespace(t, client)
	leads := make(chan string, 10)
	candidate := func(id string, release bool) context.CancelFunc {
		ctx, cancel := context.WithCancel(ctx)
		elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
			Lock: &resourcelock.LeaseLock{LeaseMeta: metav1.ObjectMeta{Name: "lock", Namespace: ns},
				Client: client.CoordinationV1(), LockConfig: resourcelock.ResourceLockConfig{Identity: id}},
			LeaseDuration: 2 * time.Second, RenewDeadline: 1500 * time.Millisecond, RetryPeriod: 200 * time.Millisecond,
			ReleaseOnCancel: release,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(context.Context) { leads <- id }, OnStoppedLeading: func() {}},
		})
		ok(t, err)
		go elector.Run(ctx)
		return cancel
	}
	leader := func(want string) {
		t.Helper()
		select {
		case got := <-leads:
			equal(t, "leader", got, want)
		case <-ctx.Done():
			t.Fatalf("%s never led", want)
		}
	}
	first := candidate("first", true)
	leader("first")
	second := candidate("second", false)
	lease := must(client.CoordinationV1().Leases(ns).Get(ctx, "lock", metav1.GetOptions{}))(t)
	equal(t, "holder", *lease.Spec.HolderIdentity, "first")
	first()
	leader("second")
	defer candidate("third", true)()
	second()
	leader("third")
	lease = must(client.CoordinationV1().Leases(ns).Get(ctx, "lock", metav1.GetOptions{}))(t)
	equal(t, "transitions", *lease.Spec.LeaseTransitions, int32(2))
}
