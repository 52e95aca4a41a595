/// What an authoritative server says of itself, and its limits.
public struct DNSServerOptions: Sendable {
    /// The most octets of ``identifier``: it has to fit beside any question into 512.
    public static let identifierMax = 128

    /// The largest UDP response, in octets, and what EDNS tells clients: 512…65,535.
    ///
    /// By default 1,232, which no path fragments (the DNS flag day of 2020).
    public var payloadSizeMax: Int {
        didSet { payloadSizeMax = max(512, min(payloadSizeMax, 65_535)) }
    }
    /// What `version.bind` and `version.server` say; refused if `nil`.
    public var version: String?
    /// What `hostname.bind` and `id.server` say; refused if `nil`.
    public var hostname: String?
    /// What NSID says (RFC 5001), at most ``identifierMax`` octets; not answered if `nil` or longer.
    public var identifier: [UInt8]?
    /// How cookies are made (RFC 7873); not answered if `nil`.
    public var cookies: ServerCookies?

    /// Options: 1,232 octets, cookies of a random secret, and nothing said of the server.
    public init() {
        payloadSizeMax = 1232
        cookies = ServerCookies()
    }
}
