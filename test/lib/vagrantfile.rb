# Evaluates a Vagrantfile without Vagrant and prints what it configured as JSON: ruby vagrantfile.rb PATH. Every object of
# Vagrant's is a recorder that keeps what is assigned to it and what is called on it, blocks run on recorders of their own.
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

  # Blocks of triggers are for later and would act on the host.
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

  # config.vm, node.trigger: the same one each time. `name = value` may have been assigned to the same word.
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
