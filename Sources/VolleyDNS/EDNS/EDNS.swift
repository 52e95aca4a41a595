import VolleyCore

/// What the OPT record says (RFC 6891).
public struct EDNS: Hashable, Sendable {
    /// The largest UDP payload its sender can take; less than 512 counts as 512.
    public var payloadSize: UInt16
    /// The version; 0 is the only one there is.
    public var version: UInt8
    /// The upper eight bits of the response code.
    public var extendedResponseCode: UInt8
    /// The flags: DO is the uppermost.
    public var flags: UInt16
    /// The options, in their order.
    public var options: [EDNSOption]

    /// EDNS of version 0.
    public init(payloadSize: UInt16 = 1232, isDNSSECWanted: Bool = false, options: [EDNSOption] = []) {
        self.payloadSize = payloadSize
        self.options = options
        version = 0
        extendedResponseCode = 0
        flags = isDNSSECWanted ? 0x8000 : 0
    }

    /// What an OPT record says.
    ///
    /// - Throws: ``DNSError`` with ``DNSError/Code/badOption`` for another type, an owner other than the root, or
    /// options
    ///   that do not fill the data.
    public init(_ record: DNSRecordView) throws(DNSError) {
        let message = record.owner.message
        guard record.type == .opt, try message.uint8(at: record.owner.offset) == 0 else {
            throw DNSError(.badOption, at: record.owner.offset)
        }
        payloadSize = record.recordClass.rawValue
        extendedResponseCode = UInt8(record.ttl >> 24)
        version = UInt8(truncatingIfNeeded: record.ttl >> 16)
        flags = UInt16(truncatingIfNeeded: record.ttl)
        options = []
        var offset = record.dataRange.lowerBound
        let end = record.dataRange.upperBound
        while offset < end {
            guard end - offset >= 4 else { throw DNSError(.badOption, at: offset) }
            let (code, count) = try (message.uint16(at: offset), Int(message.uint16(at: offset + 2)))
            guard end - offset - 4 >= count else { throw DNSError(.badOption, at: offset) }
            let data = try message.slice(at: offset + 4, count: count)
            options.append(EDNSOption(code: code, data: Array(copying: data)))
            offset += 4 + count
        }
    }

    /// DO: whether the sender wants signatures (RFC 3225).
    public var isDNSSECWanted: Bool {
        get { flags & 0x8000 != 0 }
        set { flags = newValue ? flags | 0x8000 : flags & 0x7fff }
    }

    var ttl: UInt32 { UInt32(extendedResponseCode) << 24 | UInt32(version) << 16 | UInt32(flags) }
}

extension EDNS: CustomStringConvertible {
    /// One line, in the manner of `dig`.
    public var description: String {
        let list = options.map { "; \($0)" }.joined()
        return "EDNS: version \(version), flags:\(isDNSSECWanted ? " do" : ""), udp \(payloadSize)\(list)"
    }
}
