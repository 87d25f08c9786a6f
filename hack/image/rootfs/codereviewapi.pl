#!/usr/bin/perl
# The demo's HTTP server: answers every request with its pod, its node and the request, as JSON. One process without threads: a
# select loop over non-blocking sockets. perl-base is a fifth of the size of any other package that can do this.
# /healthz answers ok; /readyz answers 503 while the file /tmp/unready exists.
use strict;
use warnings;
use Errno qw(EAGAIN EINTR EWOULDBLOCK);
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use Socket qw(:DEFAULT IPPROTO_IPV6 IPV6_V6ONLY inet_ntop pack_sockaddr_in6 unpack_sockaddr_in6 IN6ADDR_ANY);

my $port = $ENV{PORT} || 8080;
my %who = (
    pod       => $ENV{POD_NAME} || $ENV{HOSTNAME} || 'unknown',
    namespace => $ENV{POD_NAMESPACE} || '',
    node      => $ENV{NODE_NAME} || '',
    address   => $ENV{POD_IP} || '',
);
my $limit = 1 << 20;    # Bytes of one request; more is answered with 413.

$SIG{PIPE} = 'IGNORE';
my $stopping = 0;
$SIG{TERM} = $SIG{INT} = sub { $stopping = 1 };
$| = 1;

my $server = listen_on(PF_INET6) || listen_on(PF_INET) or die "cannot listen on port $port: $!";
nonblocking($server);
print "codereviewapi: $who{pod} listens on port $port\n";

my %clients;    # by file number: socket, address, in, out, close
my ($reads, $writes) = ('', '');
vec($reads, fileno($server), 1) = 1;

until ($stopping && !%clients) {
    my ($r, $w) = ($reads, $writes);
    # If a signal arrives between the test above and this call, the loop notices it only after the time-out.
    my $ready = select($r, $w, undef, 1);
    if ($stopping && vec($reads, fileno($server), 1)) {
        vec($reads, fileno($server), 1) = 0;
        close($server);
        # Connections without a request under way are closed; the others get their answer first.
        drop($_) for grep { $clients{$_}{in} eq '' && $clients{$_}{out} eq '' } keys %clients;
        next;
    }
    next if $ready <= 0;
    accept_all() if !$stopping && vec($r, fileno($server), 1);
    for my $fd (keys %clients) {
        receive($fd) if vec($r, $fd, 1);
        flush($fd) if $clients{$fd} && vec($w, $fd, 1);
    }
}
print "codereviewapi: stopped\n";

# One IPv6 socket takes clients of both families; a kernel without IPv6 cannot create it.
sub listen_on {
    my ($family) = @_;
    socket(my $socket, $family, SOCK_STREAM, 6) or return;
    setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1);
    setsockopt($socket, IPPROTO_IPV6, IPV6_V6ONLY, 0) if $family == PF_INET6;
    my $any = $family == PF_INET6 ? pack_sockaddr_in6($port, IN6ADDR_ANY) : sockaddr_in($port, INADDR_ANY);
    bind($socket, $any) or return;
    listen($socket, 1024) or return;
    return $socket;
}

# Returns address:port, with an IPv6 address in brackets. An IPv4 client of the IPv6 socket gets its IPv4 address.
sub client_of {
    my ($peer) = @_;
    if (sockaddr_family($peer) == PF_INET) {
        my ($client_port, $client) = sockaddr_in($peer);
        return inet_ntoa($client) . ":$client_port";
    }
    my ($client_port, $client) = unpack_sockaddr_in6($peer);
    my $text = inet_ntop(PF_INET6, $client);
    return $text =~ /^::ffff:([\d.]+)$/ ? "$1:$client_port" : "[$text]:$client_port";
}

sub nonblocking {
    my ($socket) = @_;
    fcntl($socket, F_SETFL, fcntl($socket, F_GETFL, 0) | O_NONBLOCK);
}

sub accept_all {
    while (my $peer = accept(my $socket, $server)) {
        nonblocking($socket);
        setsockopt($socket, 6, 1, 1);    # TCP_NODELAY
        my $fd = fileno($socket);
        $clients{$fd} = { socket => $socket, client => client_of($peer), in => '', out => '' };
        vec($reads, $fd, 1) = 1;
    }
}

sub drop {
    my ($fd) = @_;
    vec($reads,  $fd, 1) = 0;
    vec($writes, $fd, 1) = 0;
    close($clients{$fd}{socket});
    delete $clients{$fd};
}

sub receive {
    my ($fd) = @_;
    my $client = $clients{$fd};
    my $count = sysread($client->{socket}, $client->{in}, 65536, length $client->{in});
    if (!defined $count) {
        return if $! == EAGAIN || $! == EINTR || $! == EWOULDBLOCK;
        return drop($fd);
    }
    return drop($fd) if $count == 0;
    serve($client);
    flush($fd);
}

# Answers every complete request that has arrived; clients may send several requests before they read.
sub serve {
    my ($client) = @_;
    while (!$client->{close} && $client->{in} =~ /\r?\n\r?\n/) {
        my ($head, $size) = ($`, $+[0]);
        my ($line, @lines) = split /\r?\n/, $head;
        my ($method, $path, $version) = ($line // '') =~ m{^([A-Z]+) (\S+) HTTP/(1\.[01])$}
            or return refuse($client, '400 Bad Request');
        my %headers;
        for (@lines) {
            my ($name, $value) = /^([^:\s]+):\s*(.*?)\s*$/ or return refuse($client, '400 Bad Request');
            $headers{ lc $name } = exists $headers{ lc $name } ? "$headers{lc $name}, $value" : $value;
        }
        my $body = '';
        if (($headers{'transfer-encoding'} // '') =~ /chunked/i) {
            ($body, my $end) = chunks($client->{in}, $size);
            last if !defined $body;
            $size = $end;
        }
        elsif (my $length = $headers{'content-length'}) {
            return refuse($client, '400 Bad Request') if $length !~ /^\d+$/;
            return refuse($client, '413 Payload Too Large') if $length > $limit;
            if (length($client->{in}) < $size + $length) {
                expect($client, \%headers);
                return;
            }
            $body = substr($client->{in}, $size, $length);
            $size += $length;
        }
        substr($client->{in}, 0, $size) = '';
        $client->{expected} = 0;
        my $last = $stopping || lc($headers{connection} // ($version eq '1.0' ? 'close' : '')) eq 'close';
        $client->{close} = 1 if $last;
        answer($client, $method, $path, \%headers, $body, $last);
    }
    refuse($client, '413 Payload Too Large') if length($client->{in}) > 2 * $limit;
}

sub expect {
    my ($client, $headers) = @_;
    return if $client->{expected} || lc($headers->{expect} // '') ne '100-continue';
    $client->{expected} = 1;
    $client->{out} .= "HTTP/1.1 100 Continue\r\n\r\n";
}

# Returns the decoded body and the offset of its end; returns nothing while chunks are missing.
sub chunks {
    my ($in, $at) = @_;
    my $body = '';
    while (substr($in, $at) =~ /^([0-9a-fA-F]+)[^\r\n]*\r?\n/) {
        my ($size, $head) = (hex $1, $+[0]);
        return if length($in) < $at + $head + $size + 2;
        $body .= substr($in, $at + $head, $size);
        $at += $head + $size + 2;
        return ($body, $at) if $size == 0;
    }
    return;
}

sub refuse {
    my ($client, $status) = @_;
    $client->{close} = 1;
    $client->{in} = '';
    $client->{out} .= "HTTP/1.1 $status\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
}

sub answer {
    my ($client, $method, $path, $headers, $body, $last) = @_;
    my ($status, $type, $text) = ('200 OK', 'application/json', '');
    if ($path eq '/healthz' || ($path eq '/readyz' && !-e '/tmp/unready')) {
        ($type, $text) = ('text/plain', "ok\n");
    }
    elsif ($path eq '/readyz') {
        ($status, $type, $text) = ('503 Service Unavailable', 'text/plain', "not ready\n");
    }
    else {
        my @fields = map { [ $_, quote($who{$_}) ] } qw(pod namespace node address);
        push @fields, [ client => quote($client->{client}) ], [ method => quote($method) ], [ path => quote($path) ];
        push @fields,
            [ headers => '{' . join(', ', map { quote($_) . ': ' . quote($headers->{$_}) } sort keys %$headers) . '}' ];
        push @fields, [ body => quote($body) ] if $body ne '';
        $text = "{\n" . join(",\n", map { '  ' . quote($_->[0]) . ': ' . $_->[1] } @fields) . "\n}\n";
        print "$client->{client} $method $path\n" if $ENV{LOG_REQUESTS};
    }
    $client->{out} .= "HTTP/1.1 $status\r\ncontent-type: $type\r\ncontent-length: " . length($text) . "\r\n"
        . "x-pod: $who{pod}\r\n" . ($last ? "connection: close\r\n" : "connection: keep-alive\r\n") . "\r\n"
        . ($method eq 'HEAD' ? '' : $text);
}

sub quote {
    my ($text) = @_;
    $text =~ s/(["\\])/\\$1/g;
    $text =~ s/([\x00-\x1f\x7f-\xff])/sprintf '\\u%04x', ord $1/ge;
    return "\"$text\"";
}

sub flush {
    my ($fd) = @_;
    my $client = $clients{$fd} or return;
    while ($client->{out} ne '') {
        my $count = syswrite($client->{socket}, $client->{out});
        if (!defined $count) {
            next if $! == EINTR;
            last if $! == EAGAIN || $! == EWOULDBLOCK;
            return drop($fd);
        }
        substr($client->{out}, 0, $count) = '';
    }
    vec($writes, $fd, 1) = $client->{out} eq '' ? 0 : 1;
    drop($fd) if $client->{close} && $client->{out} eq '';
}
