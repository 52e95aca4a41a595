/// Which rules ``RecordDecoder`` holds records to.
public struct DecodingOptions: Hashable, Sendable {
    /// What a capture shows, or only what Linux would have delivered of it.
    public var delivery = DeliveryMode.lenient
    /// Whether checksums count; `nil` ignores them in ``DeliveryMode/lenient`` and verifies them in
    /// ``DeliveryMode/kernel``.
    public var checksums: ChecksumPolicy?
    /// Whether packets arrived over a loopback device, where ``DeliveryMode/kernel`` takes loopback addresses.
    public var isLoopbackDevice = false
    /// Whether ``DeliveryMode/kernel`` takes 127.0.0.0/8 from other devices too, as with
    /// `net.ipv4.conf.*.route_localnet=1`.
    ///
    /// Linux does not unless told so. Here it is on, for captures of the device `any` and of tunnels hold such packets,
    /// and nothing says where they arrived.
    public var routesLocalnet = true
    /// The tunnels that are looked into: what is inside takes the place of what is outside.
    ///
    /// None unless asked for.
    public var tunnels: Tunnels = []
    /// The limits of the reassembly of fragments.
    ///
    /// Unless a timeout is set, fragments wait for ever in ``DeliveryMode/lenient``, and as long as Linux lets them in
    /// ``DeliveryMode/kernel`` (``FragmentTimeout/linux``).
    public var fragments = FragmentReassembler.Limits()

    /// Delivers all that a capture shows, without tunnels.
    public init() {}

    /// The limits with the timeout that holds.
    var effectiveFragments: FragmentReassembler.Limits {
        var limits = fragments
        if delivery == .kernel, limits.timeout == nil { limits.timeout = .linux }
        return limits
    }

    /// Whether checksums are verified.
    var verifiesChecksums: Bool { (checksums ?? (delivery == .kernel ? .verify : .ignore)) == .verify }
}

/// Whether checksums count.
public struct ChecksumPolicy: Hashable, Sendable {
    private let isVerifying: Bool

    /// They do not: captures of one's own host show mostly what the network card had still to fill in.
    public static var ignore: ChecksumPolicy { ChecksumPolicy(isVerifying: false) }
    /// Those of IPv4 headers, UDP and ICMP have to hold, else the record is ``RecordClass/badChecksum``.
    ///
    /// A UDP checksum of 0 is none; with ``DeliveryMode/kernel`` there has to be one over IPv6 (RFC 8200).
    public static var verify: ChecksumPolicy { ChecksumPolicy(isVerifying: true) }
}

/// What counts as delivered.
public struct DeliveryMode: Hashable, Sendable {
    private let isKernel: Bool

    /// Every whole UDP datagram of the capture, whoever may have sent it.
    public static var lenient: DeliveryMode { DeliveryMode(isKernel: false) }
    /// What Linux with its defaults delivers to a UDP socket: the rules are those of `ip_rcv`, `ip_route_input` and
    /// `ip6_rcv`; who has which address, firewalls and reverse path filters are not modelled.
    public static var kernel: DeliveryMode { DeliveryMode(isKernel: true) }
}

/// A set of tunnel protocols.
public struct Tunnels: OptionSet, Hashable, Sendable {
    /// One bit for each protocol.
    public let rawValue: Int

    /// The protocols with these bits.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// GRE (RFC 2784, RFC 2890) with IP, Ethernet or MPLS in it.
    public static let gre = Tunnels(rawValue: 1)
    /// IP in IP in all four combinations (RFC 2003, RFC 2473, RFC 4213).
    public static let ipInIP = Tunnels(rawValue: 2)
    /// VXLAN (RFC 7348), UDP port 4789.
    public static let vxlan = Tunnels(rawValue: 4)
    /// Geneve (RFC 8926), UDP port 6081.
    public static let geneve = Tunnels(rawValue: 8)
    /// GTP-U version 1 (3GPP TS 29.281), UDP port 2152.
    public static let gtpU = Tunnels(rawValue: 16)
    /// Teredo (RFC 4380), UDP port 3544.
    public static let teredo = Tunnels(rawValue: 32)
    /// All of them.
    public static let all: Tunnels = [.gre, .ipInIP, .vxlan, .geneve, .gtpU, .teredo]
}
