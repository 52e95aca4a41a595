public import VolleyCore

/// How a live stream is set up: its socket and its transport.
public struct StreamOptions: Sendable {
    /// Whether small writes leave at once, instead of waiting for the acknowledgement of those before (`TCP_NODELAY`).
    ///
    /// On, as in asyncio. TCP only.
    public var sendsWithoutDelay = true

    /// Whether, and how, the kernel finds out that the peer of an idle connection has gone (`SO_KEEPALIVE`); TCP only.
    public var keepalive: Keepalive?

    /// How long sent bytes may stay unacknowledged before the kernel gives the connection up with `ETIMEDOUT`
    /// (`TCP_USER_TIMEOUT`), to the millisecond; `nil` leaves the system's default, about a quarter of an hour.
    public var acknowledgementTimeout: Duration?

    /// The receive buffer to ask the kernel for (`SO_RCVBUF`), in bytes; `nil` leaves the system's default, which grows
    /// by itself.
    public var receiveBufferSize: Int?

    /// The send buffer to ask the kernel for (`SO_SNDBUF`), in bytes; `nil` leaves the system's default, which grows by
    /// itself.
    public var sendBufferSize: Int?

    /// Whether `abort`, and every error, resets the connection (`SO_LINGER` with no time): the peer sees `ECONNRESET`,
    /// and what the kernel still had to send is lost.
    public var resetsOnAbort = false

    /// When writing is paused and resumed, and when a peer that does not read loses its connection.
    public var writeBufferLimits = WriteBufferLimits.stream

    /// The defaults: no delay, and nothing else set on the socket.
    public init() {}
}

/// When the kernel asks a silent peer whether it is still there (tcp(7)).
public struct Keepalive: Hashable, Sendable {
    /// Silence before the first question (`TCP_KEEPIDLE`), in whole seconds; `nil` leaves the system's default, 2 hours.
    public var idle: Duration?
    /// Time between questions (`TCP_KEEPINTVL`), in whole seconds; `nil` leaves the system's default, 75 seconds.
    public var interval: Duration?
    /// Unanswered questions after which the connection fails with `ETIMEDOUT` (`TCP_KEEPCNT`); `nil` leaves the system's
    /// default, 9.
    public var count: Int?

    /// The system's defaults where nothing else is said.
    public init(idle: Duration? = nil, interval: Duration? = nil, count: Int? = nil) {
        self.idle = idle
        self.interval = interval
        self.count = count
    }
}

/// How a server listens, and how its connections are set up.
public struct ServerOptions: Sendable {
    /// How each connection is set up.
    public var stream = StreamOptions()

    /// Connections that wait in the kernel to be accepted; it clamps this to `net.core.somaxconn`.
    public var backlog = 1_024

    /// Whether the address may be taken while old connections from it linger (`SO_REUSEADDR`); TCP only.
    ///
    /// On, as in asyncio: a server can then be restarted at once.
    public var reusesAddress = true

    /// Whether other sockets with the same wish may listen on the same address, and share the connections
    /// (`SO_REUSEPORT`).
    public var reusesPort = false

    /// Whether an IPv6 server refuses IPv4 clients (`IPV6_V6ONLY`); `nil` leaves the system's default, but for a server
    /// by name, whose IPv4 addresses have sockets of their own.
    public var isIPv6Only: Bool?

    /// Connections a server has at a time, at least 1; others wait in the kernel until one ends.
    public var connectionsMax = Int.max

    /// Connections accepted before the loop's other work gets its turn, at least 1.
    public var acceptsPerTurn = 64

    /// How long accepting rests after the process or the system has run out of descriptors or memory (`EMFILE`, `ENFILE`,
    /// `ENOBUFS`, `ENOMEM`).
    ///
    /// asyncio: `ACCEPT_RETRY_DELAY`.
    public var acceptRetryDelay = Duration.seconds(1)

    /// Who finds the addresses of a server by name.
    public var resolver: any NameResolver = SystemNameResolver.shared

    /// Whether the file of a Unix socket is removed when listening ends, if it is still this server's.
    public var removesSocketFile = true

    /// The defaults.
    public init() {}
}

/// How a connection is made.
public struct ConnectOptions: Sendable {
    /// How the connection is set up.
    public var stream = StreamOptions()

    /// The address to connect from; `nil` lets the kernel choose.
    ///
    /// Peers of the other family are left out.
    public var localAddress: SocketAddress?

    /// How long it may take in all, from the look-up of the name on; `nil` waits as long as the kernel does, about two
    /// minutes for each address.
    public var timeout: Duration? = .seconds(60)

    /// How long one address gets before the next is tried beside it (RFC 8305, section 5: "Connection Attempt Delay").
    public var attemptDelay = Duration.milliseconds(250)

    /// Who finds the addresses of a name.
    public var resolver: any NameResolver = SystemNameResolver.shared

    /// The defaults: a minute, a quarter of a second between addresses, and the system's resolver.
    public init() {}
}
