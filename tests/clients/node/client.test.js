// What programs on the JavaScript client do, against a served cluster.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as k8s from '@kubernetes/client-node';

const patience = 30_000;
const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const apps = config.makeApiClient(k8s.AppsV1Api);
const custom = config.makeApiClient(k8s.CustomObjectsApi);
const objects = k8s.KubernetesObjectApi.makeApiClient(config);
let namespace;

before(async () => {
  const made = await core.createNamespace({ body: { metadata: { generateName: 'node-' } } });
  namespace = made.metadata.name;
});
after(() => core.deleteNamespace({ name: namespace }));

async function eventually(what, condition) {
  for (const end = Date.now() + patience; Date.now() < end; ) {
    if (await condition()) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  assert.fail(`waited ${patience} ms for: ${what}`);
}

async function refused(code, reason, promise) {
  const error = await promise.then(() => assert.fail(`${reason} expected`), (e) => e);
  assert.equal(error.code, code, error.message);
  const body = typeof error.body === 'string' ? JSON.parse(error.body) : error.body;
  assert.equal(body.reason, reason);
}

function deployment(name) {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace },
    spec: {
      replicas: 2, selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'server', image: 'example/server:1' }] } },
    },
  };
}

function machine(name) {
  return {
    apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', metadata: { name, namespace },
    spec: { runStrategy: 'Halted', template: { spec: { domain: { devices: {}, memory: { guest: '1Gi' } } } } },
  };
}

test('typed objects', async () => {
  const made = await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'c', labels: { app: 'x' } }, data: { k: 'v' } } });
  assert.ok(made.metadata.uid);
  assert.ok(made.metadata.creationTimestamp instanceof Date);
  const stale = structuredClone(made);
  made.data.k = 'w';
  await core.replaceNamespacedConfigMap({ name: 'c', namespace, body: made });
  stale.data.k = 'z';
  await refused(409, 'Conflict', core.replaceNamespacedConfigMap({ name: 'c', namespace, body: stale }));
  const list = await core.listNamespacedConfigMap({ namespace, labelSelector: 'app=x' });
  assert.deepEqual(list.items.map((c) => c.data), [{ k: 'w' }]);
  const answer = await core.deleteNamespacedConfigMap({ name: 'c', namespace });
  assert.equal(answer.status, 'Success');
  await refused(404, 'NotFound', core.readNamespacedConfigMap({ name: 'c', namespace }));
});

test('errors', async () => {
  const body = { metadata: { name: 'e' } };
  await core.createNamespacedConfigMap({ namespace, body });
  await refused(409, 'AlreadyExists', core.createNamespacedConfigMap({ namespace, body }));
  await refused(422, 'Invalid', core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'E_' } } }));
  await refused(404, 'NotFound', core.createNamespacedConfigMap({ namespace: 'nowhere', body }));
  await refused(400, 'BadRequest', core.listNamespacedConfigMap({ namespace, labelSelector: 'a in' }));
});

test('patches', async () => {
  await apps.createNamespacedDeployment({ namespace, body: deployment('patched') });
  const patch = (strategy, body) =>
    apps.patchNamespacedDeployment({ name: 'patched', namespace, body }, k8s.setHeaderOptions('Content-Type', strategy));
  const images = (d) => d.spec.template.spec.containers.map((c) => c.image).sort();
  let d = await patch(k8s.PatchStrategy.JsonPatch, [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'server:2' }]);
  assert.deepEqual(images(d), ['server:2']);
  d = await patch(k8s.PatchStrategy.MergePatch, { metadata: { labels: { a: 'b' } } });
  assert.equal(d.metadata.labels.a, 'b');
  d = await patch(k8s.PatchStrategy.StrategicMergePatch, { spec: { template: { spec: { containers: [{ name: 'log', image: 'log:1' }] } } } });
  assert.deepEqual(images(d), ['log:1', 'server:2']);
});

test('pages', async () => {
  for (const i of [0, 1, 2, 3, 4]) await core.createNamespacedSecret({ namespace, body: { metadata: { name: `s${i}` } } });
  const names = [];
  let token;
  do {
    const page = await core.listNamespacedSecret({ namespace, limit: 2, _continue: token });
    names.push(...page.items.map((s) => s.metadata.name));
    token = page.metadata._continue;
  } while (token);
  assert.deepEqual(names, ['s0', 's1', 's2', 's3', 's4']);
  await core.deleteCollectionNamespacedSecret({ namespace });
});

test('objects of any kind', async () => {
  let vm = await objects.create(machine('db'));
  assert.equal(vm.metadata.generation, 1);
  vm = await objects.read({ apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', metadata: { name: 'db', namespace } });
  vm = await objects.patch({ ...machine('db'), metadata: { name: 'db', namespace, labels: { a: 'b' } } },
    undefined, undefined, undefined, undefined, k8s.PatchStrategy.MergePatch);
  assert.equal(vm.metadata.labels.a, 'b');
  const list = await objects.list('kubevirt.io/v1', 'VirtualMachine', namespace, undefined, undefined, undefined, undefined, 'a=b');
  assert.equal(list.items.length, 1);
  const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied', namespace }, data: { a: '1' } };
  await objects.patch(applied, undefined, undefined, 'mine', undefined, k8s.PatchStrategy.ServerSideApply);
  applied.data.a = '2';
  await refused(409, 'Conflict', objects.patch(applied, undefined, undefined, 'theirs', false, k8s.PatchStrategy.ServerSideApply));
  const forced = await objects.patch(applied, undefined, undefined, 'theirs', true, k8s.PatchStrategy.ServerSideApply);
  assert.equal(forced.data.a, '2');
  await objects.delete({ apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', metadata: { name: 'db', namespace } });
});

test('custom objects', async () => {
  const where = { group: 'kubevirt.io', version: 'v1', namespace, plural: 'virtualmachines' };
  await custom.createNamespacedCustomObject({ ...where, body: machine('cu') });
  await eventually('a status', async () => (await custom.getNamespacedCustomObject({ ...where, name: 'cu' })).status?.printableStatus === 'Stopped');
  await custom.deleteNamespacedCustomObject({ ...where, name: 'cu' });
});

test('informer', async () => {
  const seen = [];
  const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/services`, () => core.listNamespacedService({ namespace }));
  for (const event of ['add', 'update', 'delete']) informer.on(event, (o) => seen.push(`${event} ${o.metadata.name}`));
  informer.on('error', (e) => seen.push(`error ${e}`));
  const port = { port: 80 };
  await core.createNamespacedService({ namespace, body: { metadata: { name: 'before' }, spec: { ports: [port] } } });
  await informer.start();
  await core.createNamespacedService({ namespace, body: { metadata: { name: 'later' }, spec: { ports: [port] } } });
  await eventually('both services', () => seen.length === 2);
  await core.patchNamespacedService({ name: 'later', namespace, body: { metadata: { labels: { a: 'b' } } } },
    k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch));
  await core.deleteNamespacedService({ name: 'later', namespace });
  await eventually('all events', () => seen.length === 4);
  assert.deepEqual(seen, ['add before', 'add later', 'update later', 'delete later']);
  assert.equal(informer.list().length, 1);
  await informer.stop();
});

test('watch', async () => {
  const events = [];
  const watch = new k8s.Watch(config);
  let ended;
  const over = new Promise((done) => { ended = done; });
  await core.createNamespacedSecret({ namespace, body: { metadata: { name: 'w' } } });
  await watch.watch(`/api/v1/namespaces/${namespace}/secrets`, { timeoutSeconds: 1, fieldSelector: 'metadata.name=w' },
    (type, object) => events.push(`${type} ${object.metadata.name}`), ended);
  await over;
  assert.deepEqual(events, ['ADDED w']);
});

test('scale and tokens', async () => {
  await apps.createNamespacedDeployment({ namespace, body: deployment('scaled') });
  const scale = await apps.readNamespacedDeploymentScale({ name: 'scaled', namespace });
  scale.spec.replicas = 3;
  await apps.replaceNamespacedDeploymentScale({ name: 'scaled', namespace, body: scale });
  assert.equal((await apps.readNamespacedDeployment({ name: 'scaled', namespace })).spec.replicas, 3);
  await core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: 'robot' } } });
  const token = await core.createNamespacedServiceAccountToken({ name: 'robot', namespace, body: { spec: { audiences: [] } } });
  assert.equal(token.status.token.split('.').length, 3);
});
