internal import SystemPackage
import VolleyCore
import VolleyWire

/// What no packet of the network says, in the capture of what was delivered: that a run began or ended, and which of its
/// receives and sends failed by an injected error number.
///
/// A mark is an IPv4 packet without addresses, of protocol 253, which is for experiments (RFC 3692). Behind its header are
/// the letters `volley`, kind and version, and in network byte order the error number and, of a send, its number.
struct DeliveredMark: Equatable {
    enum Kind: UInt8 {
        case beginning = 1
        case end
        case receiveError
        case sendError
    }

    let kind: Kind
    var errno: CInt = 0
    /// Which send failed, of those of the run in their order, from 0.
    var number: UInt64 = 0

    private static let letters = Array("volley".utf8)
    private static let version: UInt8 = 1
    private static let headerLength = 20
    private static let length = headerLength + 20

    /// A mark from its parts.
    init(_ kind: Kind, errno: CInt = 0, number: UInt64 = 0) {
        (self.kind, self.errno, self.number) = (kind, errno, number)
    }

    /// The mark that an IP packet is; `nil` for others.
    init?(_ packet: RawSpan) {
        guard packet.byteCount >= Self.length, packet.byte(at: 0) == 0x45, packet.byte(at: 9) == 253 else { return nil }
        for (index, letter) in Self.letters.enumerated()
        where packet.byte(at: Self.headerLength + index) != letter { return nil }
        var words: [UInt64] = []
        for index in 0..<3 {
            // Kind and version with the two letters before them, the errno, the number.
            let (offset, count) = [(26, 2), (28, 4), (32, 8)][index]
            var word: UInt64 = 0
            for place in offset..<offset + count { word = word << 8 | UInt64(packet.byte(at: place)) }
            words.append(word)
        }
        guard words[0] & 0xff == Self.version, let kind = Kind(rawValue: UInt8(words[0] >> 8)) else { return nil }
        let isError = kind == .receiveError || kind == .sendError
        guard !isError || (1...4_095).contains(words[1]) else { return nil }
        self.kind = kind
        errno = CInt(truncatingIfNeeded: words[1])
        number = words[2]
    }

    /// The packet.
    var bytes: [UInt8] {
        var bytes: [UInt8] = [0x45, 0, 0, UInt8(Self.length), 0, 0, 0, 0, 64, 253]
        bytes += [UInt8](repeating: 0, count: Self.headerLength - bytes.count)
        var sum = InternetChecksum()
        sum.add(RawSpan(bytes.span))
        bytes[10] = UInt8(sum.value >> 8)
        bytes[11] = UInt8(sum.value & 0xff)
        bytes += Self.letters + [kind.rawValue, Self.version]
        for shift in stride(from: 24, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: errno >> shift)) }
        for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
        return bytes
    }
}
