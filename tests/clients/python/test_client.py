"""What programs on the Python client do, against a served cluster."""

import threading
import time
import unittest

import kubernetes
from kubernetes import client, config, watch
from kubernetes.client.rest import ApiException
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import ConflictError, NotFoundError

PATIENCE = 30


def setUpModule():
    config.load_kube_config()
    print("kubernetes", kubernetes.__version__)


def config_map(name, labels=None, **data):
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels=labels), data=data)


def eventually(what, condition):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"waited {PATIENCE} s for: {what}")


class Case(unittest.TestCase):
    def setUp(self):
        self.core = client.CoreV1Api()
        meta = client.V1ObjectMeta(generate_name="python-")
        self.ns = self.core.create_namespace(client.V1Namespace(metadata=meta)).metadata.name
        self.addCleanup(self.core.delete_namespace, self.ns)

    def refused(self, status, reason, call, *args, **more):
        with self.assertRaises(ApiException) as caught:
            call(*args, **more)
        self.assertEqual(caught.exception.status, status, caught.exception.body)
        self.assertIn(f'"reason":"{reason}"', caught.exception.body.replace('": ', '":'))
        return caught.exception


class Typed(Case):
    def test_objects(self):
        made = self.core.create_namespaced_config_map(self.ns, config_map("c", {"app": "x"}, k="v"))
        self.assertTrue(made.metadata.uid)
        self.assertEqual(made.metadata.creation_timestamp.tzinfo.utcoffset(None).total_seconds(), 0)
        made.data["k"] = "w"
        replaced = self.core.replace_namespaced_config_map("c", self.ns, made)
        self.assertNotEqual(replaced.metadata.resource_version, made.metadata.resource_version)
        self.refused(409, "Conflict", self.core.replace_namespaced_config_map, "c", self.ns, made)
        found = self.core.list_namespaced_config_map(self.ns, label_selector="app in (x, y)").items
        self.assertEqual([c.metadata.name for c in found], ["c"])
        self.assertEqual(found[0].data, {"k": "w"})
        answer = self.core.delete_namespaced_config_map("c", self.ns)
        self.assertEqual(answer.status, "Success")
        self.refused(404, "NotFound", self.core.read_namespaced_config_map, "c", self.ns)

    def test_errors(self):
        create = self.core.create_namespaced_config_map
        create(self.ns, config_map("c"))
        self.refused(409, "AlreadyExists", create, self.ns, config_map("c"))
        self.refused(422, "Invalid", create, self.ns, config_map("C_"))
        self.refused(404, "NotFound", create, "nowhere", config_map("c"))
        self.refused(400, "BadRequest", self.core.list_namespaced_config_map, self.ns, label_selector="a in")
        self.refused(403, "Forbidden", self.core.delete_namespace, "kube-system")

    def test_patches(self):
        self.core.create_namespaced_config_map(self.ns, config_map("c", a="1", b="1"))
        patch = self.core.patch_namespaced_config_map
        # The client sends a dict as a strategic or merge patch, a list as a JSON patch.
        self.assertEqual(patch("c", self.ns, [{"op": "replace", "path": "/data/a", "value": "2"}]).data, {"a": "2", "b": "1"})
        self.assertEqual(patch("c", self.ns, {"data": {"b": None, "c": "3"}}).data, {"a": "2", "c": "3"})
        self.refused(422, "Invalid", patch, "c", self.ns, [{"op": "test", "path": "/data/a", "value": "no"}])

    def test_status_and_scale(self):
        apps = client.AppsV1Api()
        labels = {"app": "web"}
        pod = client.V1PodTemplateSpec(
            metadata=client.V1ObjectMeta(labels=labels),
            spec=client.V1PodSpec(containers=[client.V1Container(name="server", image="example/server:1")]))
        spec = client.V1DeploymentSpec(replicas=2, selector=client.V1LabelSelector(match_labels=labels), template=pod)
        apps.create_namespaced_deployment(self.ns, client.V1Deployment(metadata=client.V1ObjectMeta(name="web"), spec=spec))
        self.assertEqual(apps.read_namespaced_deployment_scale("web", self.ns).spec.replicas, 2)
        scale = apps.patch_namespaced_deployment_scale("web", self.ns, {"spec": {"replicas": 4}})
        self.assertEqual(scale.spec.replicas, 4)
        self.assertEqual(apps.read_namespaced_deployment("web", self.ns).spec.replicas, 4)

    def test_secrets(self):
        secret = client.V1Secret(metadata=client.V1ObjectMeta(name="s"), string_data={"k": "v"})
        self.assertEqual(self.core.create_namespaced_secret(self.ns, secret).data, {"k": "dg=="})

    def test_pages(self):
        for i in range(5):
            self.core.create_namespaced_secret(self.ns, client.V1Secret(metadata=client.V1ObjectMeta(name=f"s{i}")))
        names, token = [], None
        while token != "":
            page = self.core.list_namespaced_secret(self.ns, limit=2, _continue=token)
            names += [s.metadata.name for s in page.items]
            token = page.metadata._continue or ""
        self.assertEqual(names, [f"s{i}" for i in range(5)])

    def test_delete_collection(self):
        for i in range(4):
            self.core.create_namespaced_config_map(self.ns, config_map(f"c{i}", {"even": str(i % 2 == 0)}))
        self.core.delete_collection_namespaced_config_map(self.ns, label_selector="even=True")
        left = self.core.list_namespaced_config_map(self.ns, label_selector="even").items
        self.assertEqual([c.metadata.name for c in left], ["c1", "c3"])

    def test_who(self):
        review = client.V1SelfSubjectAccessReview(spec=client.V1SelfSubjectAccessReviewSpec(
            resource_attributes=client.V1ResourceAttributes(verb="list", resource="pods")))
        self.assertTrue(client.AuthorizationV1Api().create_self_subject_access_review(review).status.allowed)
        self.assertEqual(client.VersionApi().get_code().major, "1")


class Watches(Case):
    def test_stream(self):
        start = self.core.list_namespaced_secret(self.ns).metadata.resource_version
        seen = []

        def follow():
            events = watch.Watch()
            for event in events.stream(self.core.list_namespaced_secret, self.ns, resource_version=start, timeout_seconds=PATIENCE):
                seen.append((event["type"], event["object"].metadata.name))
                if event["type"] == "DELETED":
                    events.stop()

        thread = threading.Thread(target=follow)
        thread.start()
        self.core.create_namespaced_secret(self.ns, client.V1Secret(metadata=client.V1ObjectMeta(name="s")))
        self.core.patch_namespaced_secret("s", self.ns, [{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}])
        self.core.delete_namespaced_secret("s", self.ns)
        thread.join(PATIENCE)
        self.assertEqual(seen, [("ADDED", "s"), ("MODIFIED", "s"), ("DELETED", "s")])

    def test_end(self):
        # The server ends the stream in time, and the loop with it.
        events = list(watch.Watch().stream(self.core.list_namespaced_secret, self.ns, timeout_seconds=1))
        self.assertEqual(events, [])


class Dynamic(Case):
    def setUp(self):
        super().setUp()
        self.dynamic = DynamicClient(client.ApiClient())

    def machine(self, name):
        return {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"name": name},
                "spec": {"runStrategy": "Halted", "template": {"spec": {"domain": {"devices": {}, "memory": {"guest": "1Gi"}}}}}}

    def test_machines(self):
        vms = self.dynamic.resources.get(api_version="kubevirt.io/v1", kind="VirtualMachine")
        made = vms.create(self.machine("db"), namespace=self.ns)
        self.assertEqual(made.metadata.generation, 1)
        eventually("a status", lambda: (vms.get(name="db", namespace=self.ns).status or {}).get("printableStatus") == "Stopped")
        made = vms.patch(name="db", namespace=self.ns, content_type="application/merge-patch+json",
                         body={"metadata": {"labels": {"a": "b"}}})
        self.assertEqual(made.metadata.labels.a, "b")
        self.assertEqual(len(vms.get(namespace=self.ns, label_selector="a=b").items), 1)
        stale = made.to_dict()
        stale["metadata"]["resourceVersion"] = "1"
        with self.assertRaises(ConflictError):
            vms.replace(stale, namespace=self.ns)
        vms.delete(name="db", namespace=self.ns)
        eventually("its end", lambda: self.gone(vms, "db"))

    def gone(self, api, name):
        try:
            api.get(name=name, namespace=self.ns)
        except NotFoundError:
            return True
        return False

    @unittest.skipIf(int(kubernetes.__version__.split(".")[0]) < 24, "this release of the client cannot send the body of an apply")
    def test_apply(self):
        maps = self.dynamic.resources.get(api_version="v1", kind="ConfigMap")
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}
        maps.server_side_apply(body, namespace=self.ns, field_manager="mine")
        body["data"] = {"a": "2"}
        with self.assertRaises(ConflictError):
            maps.server_side_apply(body, namespace=self.ns, field_manager="theirs")
        forced = maps.server_side_apply(body, namespace=self.ns, field_manager="theirs", force_conflicts=True)
        self.assertEqual(forced.data.a, "2")

    def test_watch(self):
        secrets = self.dynamic.resources.get(api_version="v1", kind="Secret")
        secrets.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}, namespace=self.ns)
        types = [event["type"] for event in secrets.watch(namespace=self.ns, timeout=1)]
        self.assertEqual(types, ["ADDED"])

    def test_definition(self):
        crds = self.dynamic.resources.get(api_version="apiextensions.k8s.io/v1", kind="CustomResourceDefinition")
        names = {"plural": "pythons", "singular": "python", "kind": "Python", "listKind": "PythonList"}
        schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "length": {"type": "integer", "default": 3}}}}}
        crds.create({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                     "metadata": {"name": "pythons.example.com"},
                     "spec": {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [
                         {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}]}})
        self.addCleanup(crds.delete, name="pythons.example.com")
        eventually("an established kind", lambda: any(
            c.type == "Established" and c.status == "True"
            for c in (crds.get(name="pythons.example.com").status or {}).get("conditions") or []))
        objects = client.CustomObjectsApi()
        body = {"apiVersion": "example.com/v1", "kind": "Python", "metadata": {"name": "p"}, "spec": {}}
        made = objects.create_namespaced_custom_object("example.com", "v1", self.ns, "pythons", body)
        self.assertEqual(made["spec"], {"length": 3})
        body["spec"] = {"length": "long"}
        self.refused(422, "Invalid", objects.create_namespaced_custom_object, "example.com", "v1", self.ns, "pythons",
                     dict(body, metadata={"name": "q"}))


if __name__ == "__main__":
    unittest.main()
