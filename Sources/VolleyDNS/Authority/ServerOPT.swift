import VolleyCore

/// The OPT record of a response, before it is written.
struct ServerOPT {
    /// A cookie's octets: the client's, and the server's of RFC 9018.
    struct Cookie {
        var client: UInt64
        var head: UInt64
        var hash: UInt64
    }

    var isPresent = false
    var payloadSize: UInt16 = 1232
    var extendedResponseCode: UInt8 = 0
    var isDNSSECWanted = false
    var cookie: Cookie?
    /// How many octets the server's identifier has; -1 where it is not asked for.
    var identifierCount = -1

    /// How many octets it takes.
    var byteCount: Int {
        guard isPresent else { return 0 }
        return 11 &+ (cookie == nil ? 0 : 28) &+ (identifierCount < 0 ? 0 : 4 &+ identifierCount)
    }

    /// Appends the record; whoever calls has made sure of the room.
    @inline(__always)
    func write(to output: inout OutputRawSpan, identifier: @autoclosure () -> [UInt8]) {
        // The root, the type, the payload size, code, version 0 and the flags' upper half; the lower half and the length.
        output.append(
            bigEndian: 41 << 40 | UInt64(payloadSize) << 24 | UInt64(extendedResponseCode) << 16
                | (isDNSSECWanted ? 0x80 : 0))
        output.append(bigEndian: UInt8(0))
        output.append(bigEndian: UInt16(truncatingIfNeeded: byteCount &- 11))
        if let cookie {
            output.append(bigEndian: UInt32(10 << 16 | 24))
            output.append(bigEndian: cookie.client)
            output.append(bigEndian: cookie.head)
            output.append(bigEndian: cookie.hash)
        }
        if identifierCount >= 0 {
            let octets = identifier()
            output.append(bigEndian: 3 << 16 | UInt32(truncatingIfNeeded: octets.count))
            output.append(copying: RawSpan(octets.span))
        }
    }
}
