# What the Vagrantfile does on the host: it reads settings from the environment, builds the package for the machines, creates the key
# with which workers reach the control machine, and writes the hosts file and the kubeconfig. Plain Ruby, testable without Vagrant.
require 'fileutils'
require 'open3'
require 'openssl'
require 'rbconfig'

module K8ts
  NETWORK = '192.168.56'.freeze
  API = "https://#{NETWORK}.10:6443".freeze
  INGRESS_HOSTS = %w[codereview.local].freeze

  # An invalid setting; the message is one line with its name and the allowed values.
  class Refused < StandardError
    def message
      "k8ts: #{super}"
    end
  end

  # role: control (the first control machine), control-plane (a further one) or worker.
  Machine = Struct.new(:name, :ip, :memory, :role) do
    def control?
      role == 'control'
    end
  end

  class Settings
    attr_reader :cpus, :workers, :control_planes, :store, :boot_timeout, :patience, :build, :hosts, :sync

    def initialize(env)
      @env = env
      @workers = integer('K8TS_WORKERS', 2, 0..20)
      @control_planes = one_of('K8TS_CONTROL_PLANES', %w[1 3]).to_i
      @store = one_of('K8TS_STORE', @control_planes > 1 ? %w[etcd] : %w[sqlite etcd])
      @cpus = integer('K8TS_CPUS', 2, 1..64)
      @memory = integer('K8TS_MEMORY', 1536, 512..65_536)
      @control_memory = integer('K8TS_CONTROL_MEMORY', [@memory, 2048].max, 512..65_536)
      @boot_timeout = integer('K8TS_BOOT_TIMEOUT', 600, 60..7200)
      @patience = integer('K8TS_PATIENCE', 900, 1..86_400)
      @build = one_of('K8TS_BUILD', %w[auto host control])
      @hosts = one_of('K8TS_HOSTS', %w[ask yes no])
      @sync = one_of('K8TS_SYNC', %w[auto rsync nfs virtiofs 9p smb])
    end

    def machines
      # Below the first, so that the addresses of workers do not depend on the number of control machines.
      further = (2..@control_planes).map { |i| Machine.new("control-#{i}", "#{NETWORK}.#{6 + i}", @control_memory, 'control-plane') }
      workers = (1..@workers).map { |i| Machine.new("worker-#{i}", "#{NETWORK}.#{10 + i}", @memory, 'worker') }
      [Machine.new('control', "#{NETWORK}.10", @control_memory, 'control'), *further, *workers]
    end

    # Debian's own boxes exist for libvirt and VirtualBox on x86-64.
    def box(provider)
      return @env['K8TS_BOX'] unless blank?(@env['K8TS_BOX'])

      provider != 'vmware_desktop' && Settings.architecture == 'x86_64' ? 'debian/bookworm64' : 'bento/debian-12'
    end

    def libvirt_driver
      one_of('K8TS_LIBVIRT_DRIVER', %w[auto kvm qemu]).then do |driver|
        driver == 'auto' ? (Settings.virtualization? ? 'kvm' : 'qemu') : driver
      end
    end

    def next_steps
      <<~TEXT
        The cluster is up. From this host:
          curl http://#{NETWORK}.10:30080/                      (any node)
          kubectl --kubeconfig .k8ts/vagrant.conf get nodes
          vagrant ssh worker-1
        For names of Ingresses, such as curl http://codereview.local/, /etc/hosts needs this line (K8TS_HOSTS=yes vagrant up writes it):
          #{hosts_line}
      TEXT
    end

    def hosts_line
      "#{NETWORK}.10 #{INGRESS_HOSTS.join(' ')}"
    end

    def self.architecture
      cpu = RbConfig::CONFIG['host_cpu']
      cpu.match?(/arm64|aarch64/) ? 'aarch64' : cpu.sub('x64', 'x86_64')
    end

    # /dev/kvm is not enough: it may exist on a machine whose processor cannot run guests.
    def self.virtualization?
      return true unless File.exist?('/proc/cpuinfo')
      return false unless File.exist?('/dev/kvm')

      architecture == 'aarch64' || File.read('/proc/cpuinfo').match?(/^flags\s*:.*\b(vmx|svm)\b/)
    end

    private

    def blank?(value)
      value.nil? || value.empty?
    end

    def integer(name, default, range)
      return default if blank?(@env[name])

      value = Integer(@env[name], 10, exception: false)
      raise Refused, "#{name}=#{@env[name]}: expected a number from #{range.min} to #{range.max}" unless range.cover?(value)

      value
    end

    def one_of(name, values)
      return values.first if blank?(@env[name])
      raise Refused, "#{name}=#{@env[name]}: expected one of #{values.join(', ')}" unless values.include?(@env[name])

      @env[name]
    end
  end

  # Our block in a hosts file, between two marker lines. Pure.
  module HostsFile
    BEGIN_LINE = '# BEGIN k8ts-vagrant (made by vagrant up, removed by vagrant destroy)'.freeze
    END_LINE = '# END k8ts-vagrant'.freeze

    def self.with(text, line)
      rest = without(text)
      separator = rest.empty? || rest.end_with?("\n") ? '' : "\n"
      "#{rest}#{separator}#{BEGIN_LINE}\n#{line}\n#{END_LINE}\n"
    end

    def self.without(text)
      text.sub(/^#{Regexp.escape(BEGIN_LINE)}\n.*?^#{Regexp.escape(END_LINE)}(\n|\z)/m, '')
    end
  end

  class Host
    # Machines do not need these folders; they are large or differ in a machine. Paths start at the root, since the package has a
    # node_modules folder too.
    EXCLUDED = %w[/.git/ /.vagrant/ /.tap/ /.runtime/ /node_modules/ /dist/ /.k8ts/vm/box/ /.k8ts/vm/lab/ /.k8ts/vm/vagrant-home/
                  /.k8ts/test/ /.k8ts/bench/ /.k8ts/vagrant.conf].freeze
    # Workers get their images from the control machine's registry.
    CONTROL_ONLY = %w[/.k8ts/package/images/ /.k8ts/package/bin/docker-registry].freeze

    def initialize(settings, root, hosts_path: nil)
      @settings = settings
      @root = root
      @mutex = Mutex.new
      @hosts_path = hosts_path || (windows? ? "#{ENV.fetch('WINDIR')}/System32/drivers/etc/hosts" : '/etc/hosts')
    end

    # Does its work once in each vagrant command, although Vagrant calls it for every machine, also in parallel.
    def prepare(ui)
      @mutex.synchronize do
        return if @prepared

        make_keys
        build(ui)
        offer_hosts(ui)
        @prepared = true
      end
    end

    def synced_folder(machine)
      case @settings.sync
      when 'auto' then { rsync__exclude: excluded(machine) }
      when 'rsync' then rsync(machine)
      else { type: @settings.sync }
      end
    end

    # vagrant-libvirt would use NFS by default, which needs root on the host.
    def rsync(machine)
      return {} unless %w[auto rsync].include?(@settings.sync)

      { type: 'rsync', rsync__exclude: excluded(machine), rsync__args: %w[--archive --delete -z --links] }
    end

    def environment(machine)
      {
        'K8TS_NODE_NAME' => machine.name,
        'K8TS_NODE_IP' => machine.ip,
        'K8TS_CONTROL_IP' => @settings.machines.first.ip,
        'K8TS_NODES' => @settings.machines.size.to_s,
        'K8TS_BUILD' => @settings.build,
        'K8TS_STORE' => @settings.store,
        'K8TS_CONTROL_PLANES' => @settings.control_planes.to_s,
        'K8TS_PATIENCE' => @settings.patience.to_s
      }
    end

    def fetch_kubeconfig(vm)
      text = +''
      status = vm.communicate.sudo('cat /etc/k8ts/admin.conf', error_check: false) { |type, data| text << data if type == :stdout }
      return vm.ui.warn('the control machine has no kubeconfig yet; run: vagrant provision control') unless status.zero?

      path = File.join(@root, '.k8ts/vagrant.conf')
      FileUtils.mkdir_p(File.dirname(path))
      File.open("#{path}.new", 'w', 0o600) { |file| file.write(text.gsub(%r{server: https://\S+}, "server: #{API}")) }
      File.rename("#{path}.new", path)
      vm.ui.info('kubeconfig: .k8ts/vagrant.conf')
    end

    # Runs after the control machine was destroyed.
    def forget(vm)
      FileUtils.rm_f(File.join(@root, '.k8ts/vagrant.conf'))
      return unless HostsFile.without(hosts_text) != hosts_text
      return vm.ui.warn("lines of k8ts stay in #{@hosts_path}: vagrant destroy removes them only with K8TS_HOSTS=yes") unless may_write_hosts?

      write_hosts(HostsFile.without(hosts_text))
      vm.ui.info("#{@hosts_path}: lines of k8ts removed")
    end

    private

    def windows?
      RbConfig::CONFIG['host_os'].match?(/mswin|mingw/)
    end

    def excluded(machine)
      machine.control? ? EXCLUDED : EXCLUDED + CONTROL_ONLY
    end

    # The key pair of this checkout: workers get the private key; the control machine gets the public key, and runs one program for it.
    def make_keys
      dir = File.join(@root, '.k8ts/vm/keys')
      return if File.exist?("#{dir}/worker.pub")

      FileUtils.mkdir_p(dir, mode: 0o700)
      key = OpenSSL::PKey::RSA.new(3072)
      # RFC 4253, section 6.6: the name, e and n, each after its length.
      blob = "#{[7].pack('N')}ssh-rsa".b + key.e.to_s(0) + key.n.to_s(0)
      File.open("#{dir}/worker", 'w', 0o600) { |file| file.write(key.to_pem) }
      File.write("#{dir}/worker.pub", "ssh-rsa #{[blob].pack('m0')} k8ts-worker\n")
    end

    # Builds the package for the machines on this host if possible; without changes that takes a moment. Else the control machine builds it.
    def build(ui)
      return if @settings.build == 'control'

      reason = cannot_build
      if reason.nil?
        ui.info('building the package for the machines (hack/package)')
        output, status = Open3.capture2e({ 'QUIET' => '1' }, File.join(@root, 'hack/package'), chdir: @root, stdin_data: '')
        return if status.success?

        reason = "hack/package failed:\n#{output.lines.last(12).join}"
      end
      raise Refused, "K8TS_BUILD=host, but #{reason}" if @settings.build == 'host'

      FileUtils.rm_rf(File.join(@root, '.k8ts/package'))
      ui.info("the control machine will build the package itself, which takes some minutes more: #{reason}")
    end

    def cannot_build
      return 'this host is not Linux' unless RbConfig::CONFIG['host_os'].include?('linux')
      return 'this host has no npm' unless ENV['PATH'].split(':').any? { |dir| File.executable?("#{dir}/npm") } ||
                                           File.directory?(File.join(@root, '.runtime/node_modules'))

      nil
    end

    def hosts_text
      File.exist?(@hosts_path) ? File.read(@hosts_path) : ''
    end

    def offer_hosts(ui)
      wanted = HostsFile.with(hosts_text, @settings.hosts_line)
      return if wanted == hosts_text || @settings.hosts == 'no' || !may_write_hosts?

      if @settings.hosts == 'ask'
        answer = ui.ask("Write \"#{@settings.hosts_line}\" into #{@hosts_path}, until vagrant destroy? [y/N] ")
        return unless answer.strip.match?(/\Ay(es)?\z/i)
      end
      write_hosts(wanted)
      ui.info("#{@hosts_path}: #{@settings.hosts_line}")
    end

    def may_write_hosts?
      @settings.hosts == 'yes' || (@settings.hosts == 'ask' && $stdin.tty? && $stdout.tty?)
    end

    # Writes in place. A rename would fail in a container, where the file is a mount.
    def write_hosts(text)
      return File.write(@hosts_path, text) if File.writable?(@hosts_path)

      _, status = Open3.capture2e('sudo', 'tee', @hosts_path, stdin_data: text)
      raise Refused, "#{@hosts_path} could not be written; run as a user who may write it, or with K8TS_HOSTS=no" unless status.success?
    end
  end
end
