# ruby vagrantfile.rb PATH: evaluates a Vagrantfile without Vagrant and prints its configuration as JSON. A recorder replaces every
# object of Vagrant: it keeps the assignments and calls it receives, and runs blocks on new recorders.
require 'json'

class Recorder
  def initialize
    @set = {}
    @calls = []
    @parts = {}
  end

  def to_json(*args)
    { set: @set, calls: @calls, parts: @parts }.to_json(*args)
  end

  # vmx['memsize'] = '1024'
  def []=(key, value)
    @set[key] = value
  end

  def respond_to_missing?(*)
    true
  end

  # Blocks of triggers do not run here: they would act on the host.
  def ruby(&_block)
    @calls << ['ruby', []]
  end

  def method_missing(name, *args, **options, &block)
    return @set[name.to_s.chomp('=')] = args.first if name.end_with?('=')
    return part(name) if args.empty? && options.empty? && block.nil?

    inner = block && Array.new(block.arity.abs) { Recorder.new }
    @calls << [name, args + (options.empty? ? [] : [options]), inner || []]
    block&.call(*inner)
  end

  # config.vm, node.trigger: returns the same recorder each time. An assignment to the same name is kept apart, in @set.
  def part(name)
    @parts[name] ||= Recorder.new
  end
end

module Vagrant
  def self.configure(version)
    config = Recorder.new
    yield config
    puts({ version: version, config: config }.to_json)
  end
end

load File.expand_path(ARGV.fetch(0))
