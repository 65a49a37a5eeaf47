# What programs on kubeclient do, against a served cluster.
require 'kubeclient'

PATIENCE = 30
CONFIG = Kubeclient::Config.read(ENV['KUBECONFIG'])
$failed = 0

def api(path, version)
  context = CONFIG.context
  Kubeclient::Client.new("#{context.api_endpoint}#{path}", version, ssl_options: context.ssl_options, auth_options: context.auth_options)
end

CORE = api('/api', 'v1')

def equal(what, got, want)
  raise "#{what} is #{got.inspect}, want #{want.inspect}" unless got == want
end

def refused(code)
  yield
  raise "#{code} expected"
rescue Kubeclient::HttpError => e
  equal('code', e.error_code, code)
  e
end

def eventually(what)
  finish = Process.clock_gettime(Process::CLOCK_MONOTONIC) + PATIENCE
  until yield
    raise "waited #{PATIENCE} s for: #{what}" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > finish
    sleep 0.02
  end
end

# Each test has a namespace of its own.
def check(name)
  namespace = CORE.create_namespace(Kubeclient::Resource.new(metadata: { generateName: 'ruby-' })).metadata.name
  yield namespace
  puts "ok #{name}"
rescue StandardError => e
  puts "not ok #{name}: #{e.class}: #{e.message}", e.backtrace.first(3)
  $failed += 1
ensure
  CORE.delete_namespace(namespace) if namespace
end

def config_map(name, namespace, data = {}, labels = {})
  Kubeclient::Resource.new(metadata: { name: name, namespace: namespace, labels: labels }, data: data)
end

check 'discovery' do
  CORE.discover
  equal('pods are known', CORE.respond_to?(:get_pods), true)
  machines = api('/apis/kubevirt.io', 'v1')
  machines.discover
  equal('machines are known', machines.respond_to?(:get_virtual_machines), true)
  equal('version', CORE.api['versions'], ['v1'])
end

check 'objects' do |ns|
  made = CORE.create_config_map(config_map('c', ns, { k: 'v' }, { app: 'x' }))
  raise 'no uid' unless made.metadata.uid
  made.data.k = 'w'
  CORE.update_config_map(made)
  refused(409) { CORE.update_config_map(made) } # with the revision of before
  found = CORE.get_config_maps(namespace: ns, label_selector: 'app=x')
  equal('names', found.map { |c| c.metadata.name }, ['c'])
  equal('data', found[0].data.to_h, { k: 'w' })
  CORE.delete_config_map('c', ns)
  error = refused(404) { CORE.get_config_map('c', ns) }
  equal('class', error.class, Kubeclient::ResourceNotFoundError)
  equal('message', error.message[/configmaps "c" not found/], 'configmaps "c" not found')
end

check 'errors' do |ns|
  CORE.create_config_map(config_map('c', ns))
  refused(409) { CORE.create_config_map(config_map('c', ns)) }
  refused(422) { CORE.create_config_map(config_map('C_', ns)) }
  refused(404) { CORE.create_config_map(config_map('c', 'nowhere')) }
  refused(400) { CORE.get_config_maps(namespace: ns, label_selector: 'a in') }
end

check 'patches' do |ns|
  CORE.create_config_map(config_map('c', ns, { a: '1', b: '1' }))
  equal('merge', CORE.merge_patch_config_map('c', { data: { b: nil, c: '2' } }, ns).data.to_h, { a: '1', c: '2' })
  equal('json', CORE.json_patch_config_map('c', [{ op: 'replace', path: '/data/a', value: '3' }], ns).data.to_h, { a: '3', c: '2' })
  equal('strategic', CORE.patch_config_map('c', { data: { c: nil } }, ns).data.to_h, { a: '3' })
end

check 'apply' do |ns|
  # A Hash: a Resource becomes JSON only with some releases of what it is made of.
  map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: ns }, data: { a: '1' } }
  CORE.apply_config_map(map, field_manager: 'mine', force: false)
  map[:data][:a] = '2'
  refused(409) { CORE.apply_config_map(map, field_manager: 'theirs', force: false) }
  equal('forced', CORE.apply_config_map(map, field_manager: 'theirs', force: true).data.a, '2')
end

check 'pages' do |ns|
  5.times { |i| CORE.create_secret(Kubeclient::Resource.new(metadata: { name: "s#{i}", namespace: ns })) }
  names, token = [], nil
  loop do
    page = CORE.get_secrets(namespace: ns, limit: 2, continue: token)
    names += page.map { |s| s.metadata.name }
    break if page.last?
    token = page.continue
  end
  equal('names', names, %w[s0 s1 s2 s3 s4])
end

# kubeclient asks the old watch paths.
check 'watch' do |ns|
  start = CORE.get_secrets(namespace: ns).resourceVersion
  seen = []
  watcher = CORE.watch_secrets(namespace: ns, resource_version: start)
  thread = Thread.new do
    watcher.each do |event|
      seen << [event.type, event.object.metadata.name]
      break if event.type == 'DELETED'
    end
  end
  CORE.create_secret(Kubeclient::Resource.new(metadata: { name: 's', namespace: ns }))
  CORE.merge_patch_secret('s', { metadata: { labels: { a: 'b' } } }, ns)
  CORE.delete_secret('s', ns)
  equal('the end of the stream', thread.join(PATIENCE).nil?, false)
  watcher.finish
  equal('events', seen, [%w[ADDED s], %w[MODIFIED s], %w[DELETED s]])
end

check 'machines' do |ns|
  machines = api('/apis/kubevirt.io', 'v1')
  made = machines.create_virtual_machine(Kubeclient::Resource.new(
    metadata: { name: 'db', namespace: ns },
    spec: { runStrategy: 'Halted', template: { spec: { domain: { devices: {}, memory: { guest: '1Gi' } } } } }))
  equal('generation', made.metadata.generation, 1)
  eventually('a status') { machines.get_virtual_machine('db', ns).status&.printableStatus == 'Stopped' }
  machines.delete_virtual_machine('db', ns)
  eventually('its end') { machines.get_virtual_machines(namespace: ns).empty? }
end

exit($failed.zero? ? 0 : 1)
