public import VolleyWire

/// What a capture file says of the interface its packets come from.
public struct CaptureInterfaceDescription: Hashable, Sendable {
    /// What packets begin with.
    public var linkType: LinkType
    /// What readers show: `eth0`; at most 65,535 bytes, and in pcapng only.
    public var name: String?
    /// The most bytes kept of a packet; 0 for no limit.
    public var snapLength = 0
    /// The filter that packets have passed, in the language of pcap-filter(7); pcapng only.
    public var filter: String?

    /// A description with a link type and a name.
    public init(linkType: LinkType, name: String? = nil) {
        self.linkType = linkType
        self.name = name
    }

    /// Why no pcapng file can hold this.
    var reasonAgainst: String? {
        if linkType.rawValue > UInt16.max { return "pcapng cannot hold \(linkType)" }
        if [name, filter].contains(where: { $0?.utf8.count ?? 0 >= Int(UInt16.max) }) {
            return "an interface name or filter is too long"
        }
        return 0...Int(UInt32.max) ~= snapLength ? nil : "no snap length: \(snapLength)"
    }
}

/// How many packets an interface has had and lost while it was captured from (pcap_stats(3)).
public struct CaptureInterfaceStatistics: Hashable, Sendable {
    /// Packets that came, filtered out or not as the system counts, and with those dropped.
    public var received: UInt64 = 0
    /// Packets dropped since nobody took them out of the capture buffer in time.
    public var droppedByKernel: UInt64 = 0
    /// Packets dropped by the interface or its driver.
    public var droppedByInterface: UInt64 = 0

    /// All zero.
    public init() {}
}
