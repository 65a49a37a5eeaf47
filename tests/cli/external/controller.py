#!/usr/bin/env python3
"""A controller of ComputeInstanceSnapshots as a program of its own: for each it takes a
VirtualMachineSnapshot of the machine, and tells when that can be used.

WRONG=ready says Ready at once; WRONG=name gives each VirtualMachineSnapshot a new name;
WRONG=exit ends after a first look; WRONG=deaf never connects; WRONG=talk shows its token in a TokenReview."""
import base64
import http.client
import json
import os
import queue
import re
import socket
import ssl
import sys
import threading
import time
import urllib.parse

WRONG = os.environ.get("WRONG", "")
OURS = "/apis/osac.openshift.io/v1alpha1", "computeinstancesnapshots"
THEIRS = "/apis/snapshot.kubevirt.io/v1beta1", "virtualmachinesnapshots"


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Cluster:
    """The current context: the first cluster and the first user of the file."""

    def __init__(self, path):
        text = open(path, encoding="utf-8").read()
        self.url = re.search(r"server: \"?([^\"\s]+)", text).group(1)
        self.token = re.search(r"token: \"?([^\"\s]+)", text).group(1)
        ca = re.search(r"certificate-authority-data: \"?([^\"\s]+)", text)
        self.tls = None
        if ca:
            self.tls = ssl.create_default_context(cadata=base64.b64decode(ca.group(1)).decode())
        self.path, self.prefix = None, urllib.parse.urlsplit(self.url).path
        if self.url.startswith("unix://"):
            self.path, _, name = self.url[len("unix://"):].rpartition("/clusters/")
            self.prefix = "/clusters/" + name

    def connect(self):
        if self.path:
            return Unix(self.path)
        return http.client.HTTPSConnection(urllib.parse.urlsplit(self.url).netloc, context=self.tls)

    def open(self, method, path, body=None, kind="application/json"):
        c = self.connect()
        c.request(method, self.prefix + path, json.dumps(body) if body else None,
                  {"Authorization": "Bearer " + self.token, "Content-Type": kind})
        return c.getresponse()

    def ask(self, *args, **more):
        r = self.open(*args, **more)
        return r.status, json.loads(r.read())


def name_of(resource, ns, name=""):
    return f"{resource[0]}/namespaces/{ns}/{resource[1]}" + (f"/{name}" if name else "")


def watch(cluster, resource, work):
    """Lists and watches for ever; what happens to either kind is work on the snapshot of that name."""
    while True:
        try:
            code, found = cluster.ask("GET", f"{resource[0]}/{resource[1]}")
            for item in found["items"]:
                work.put((item["metadata"]["namespace"], item["metadata"]["name"]))
            rv = found["metadata"]["resourceVersion"]
            stream = cluster.open("GET", f"{resource[0]}/{resource[1]}?watch=1&resourceVersion={rv}")
            for line in stream:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    break
                meta = event["object"]["metadata"]
                labels = meta.get("labels", {})
                work.put((meta["namespace"], labels.get("example/snapshot", meta["name"])))
        except (OSError, http.client.HTTPException, ValueError, KeyError) as e:
            print("watch:", e, flush=True)
            time.sleep(0.05)


def tell(cluster, ns, name, phase):
    print(ns, name, phase, flush=True)
    cluster.ask("PATCH", name_of(OURS, ns, name) + "/status", {"status": {"phase": phase}},
                kind="application/merge-patch+json")


def take(cluster, ns, name, vm):
    vms = {"apiVersion": "snapshot.kubevirt.io/v1beta1", "kind": "VirtualMachineSnapshot",
           "metadata": {"name": name, "namespace": ns, "labels": {"example/snapshot": name}},
           "spec": {"source": {"apiGroup": "kubevirt.io", "kind": "VirtualMachine", "name": vm}}}
    if WRONG == "name":
        vms["metadata"]["name"] += "-" + os.urandom(4).hex()
    code, answer = cluster.ask("POST", name_of(THEIRS, ns), vms)
    if code not in (201, 409):
        raise OSError(f"create: {code} {answer.get('message')}")


def reconcile(cluster, ns, name):
    code, ours = cluster.ask("GET", name_of(OURS, ns, name))
    phase = ours.get("status", {}).get("phase") if code == 200 else None
    if code != 200 or phase == "Ready":
        return
    _, theirs = cluster.ask("GET", name_of(THEIRS, ns) + f"?labelSelector=example/snapshot={name}")
    if phase is None and (WRONG == "name" or not theirs["items"]):
        take(cluster, ns, name, ours["spec"]["computeInstanceRef"])
        tell(cluster, ns, name, "Ready" if WRONG == "ready" else "Creating")
    elif any(t.get("status", {}).get("readyToUse") for t in theirs["items"]):
        tell(cluster, ns, name, "Ready")
    elif phase is None:
        tell(cluster, ns, name, "Creating")


def main():
    cluster, work = Cluster(os.environ["KUBECONFIG"]), queue.Queue()
    if WRONG == "deaf":
        time.sleep(600)
    if WRONG == "talk":
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": cluster.token}}
        print("who I am:", cluster.ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)[1]["status"]["user"]["username"])
    if WRONG == "exit":
        cluster.ask("GET", f"{OURS[0]}/{OURS[1]}")
        sys.exit("nothing to do: giving up")
    for resource in OURS, THEIRS:
        threading.Thread(target=watch, args=(cluster, resource, work), daemon=True).start()
    while True:
        ns, name = work.get()
        try:
            reconcile(cluster, ns, name)
        except (OSError, http.client.HTTPException, ValueError) as e:
            print("reconcile:", e, flush=True)
            threading.Timer(0.05, work.put, [(ns, name)]).start()


main()
