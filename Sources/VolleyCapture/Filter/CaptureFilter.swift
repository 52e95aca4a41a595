public import VolleyWire

/// A filter in the language of tcpdump, `udp port 53 and host 192.0.2.1` (pcap-filter(7)), compiled by libpcap.
///
/// The expression is compiled once for each link type it meets, since the same words mean other offsets on each.
/// Records of NULL and LOOP are matched as bare IP packets: libpcap knows the address families of this host only,
/// captures come from others. Not thread-safe; one for each reader.
public final class CaptureFilter {
    /// The expression as given.
    public let expression: String

    private var programs: [CompiledFilter] = []
    private var lastUsed = 0

    /// Compiles an expression.
    ///
    /// - Parameters:
    ///   - expression: in the language of pcap-filter(7); an empty one matches everything.
    ///   - linkType: what the expression is checked against now; others are compiled when they come.
    /// - Throws: ``CaptureError`` with the code ``CaptureError/Code/invalidFilter`` and libpcap's words.
    public init(_ expression: String, linkType: LinkType = .ethernet) throws(CaptureError) {
        self.expression = expression
        programs = [try CompiledFilter(expression, linkType: linkType)]
    }

    /// Whether the record matches.
    ///
    /// - Throws: ``CaptureError`` when the expression makes no sense on the record's link type.
    public func matches(_ record: borrowing CaptureRecord) throws(CaptureError) -> Bool {
        try matches(record.bytes, originalLength: record.originalLength, linkType: record.linkType)
    }

    /// Whether a packet matches; the arguments are those of ``FrameDecoder/decode(_:originalLength:linkType:)``.
    ///
    /// None of ``LinkType/undescribed`` does, since nobody knows what it begins with.
    ///
    /// - Throws: ``CaptureError`` when the expression makes no sense on this link type.
    public func matches(
        _ packet: RawSpan, originalLength: Int, linkType: LinkType
    ) throws(CaptureError) -> Bool {
        if programs[lastUsed].linkType != linkType {
            if linkType == .undescribed { return false }
            if let index = programs.firstIndex(where: { $0.linkType == linkType }) {
                lastUsed = index
            } else {
                programs.append(try CompiledFilter(expression, linkType: linkType))
                lastUsed = programs.count - 1
            }
        }
        return programs[lastUsed].matches(packet, originalLength: originalLength)
    }
}
