internal import VolleyCore

/// One packet of the hand-over, between the process that serves and the one that comes after it.
///
/// Over a Unix socket of sequenced packets, so that a packet is a message. Version 1, integers in network byte order:
///
///     offset 0  4 bytes  "VLYH"
///            4  1        version
///            5  1        kind
///            6  …        body
///
///     kind 1  hello      →  (no body)       the new process is there
///     kind 2  offer      ←  2 bytes: the number n of sockets; n × (1 byte: length, so many bytes: name in UTF-8)
///                           with n + 1 descriptors (SCM_RIGHTS): the sockets in this order, then the listening socket
///                           of the hand-over itself
///     kind 3  ready      →  (no body)       the new process could serve now; it does not receive yet
///     kind 4  committed  ←  (no body)       the old process has stopped receiving for good: the sockets are the new one's
///     kind 5  refused    ←  UTF-8 text      the old process says why, and keeps serving
///
/// The first six bytes and `refused` stay what they are in every version. The old process alone decides: until it has sent
/// `committed` it may go on serving, afterwards it never does. So every datagram is received by exactly one of the two,
/// although both have the socket open: by the old one up to `committed`, by the new one from then on; what comes in between
/// waits in the socket. Who finds the connection closed: the old process goes on; the new one, once it has the offer, knows
/// that the old one is gone.
enum HandoverMessage: Hashable {
    case hello
    case offer(names: [String])
    case ready
    case committed
    case refused(reason: String)

    static var version: UInt8 { 1 }
    private static var magic: [UInt8] { Array("VLYH".utf8) }
    /// The most bytes of a name and of a reason.
    static var textCountMax: Int { 255 }
    /// The most sockets of an offer: the kernel passes 253 descriptors, one of which is the listener.
    static var socketsMax: Int { 252 }
    /// The most bytes of a message: an offer of all names.
    static var countMax: Int { 8 + socketsMax * (1 + textCountMax) }

    private var kind: UInt8 {
        switch self {
        case .hello: 1
        case .offer: 2
        case .ready: 3
        case .committed: 4
        case .refused: 5
        }
    }

    /// The packet; names and reason have at most ``textCountMax`` bytes, an offer at most ``socketsMax`` names.
    var bytes: [UInt8] {
        var bytes = Self.magic + [Self.version, kind]
        switch self {
        case .hello, .ready, .committed: break
        case .offer(let names):
            bytes += [UInt8(truncatingIfNeeded: names.count >> 8), UInt8(truncatingIfNeeded: names.count)]
            for name in names {
                bytes.append(UInt8(truncatingIfNeeded: name.utf8.count))
                bytes += Array(name.utf8)
            }
        case .refused(let reason): bytes += Array(reason.utf8.prefix(Self.textCountMax))
        }
        return bytes
    }

    /// The message of a packet.
    ///
    /// - Throws: `wrongVersion`, or `malformedMessage` for whatever version 1 does not know.
    init(bytes: [UInt8]) throws(LifecycleError) {
        guard bytes.count >= 6, Array(bytes.prefix(4)) == Self.magic else {
            throw LifecycleError(.malformedMessage, "a packet of \(bytes.count) bytes is no hand-over message")
        }
        let (version, kind) = (bytes[4], bytes[5])
        if kind == 5 {
            self = .refused(reason: String(decoding: bytes.dropFirst(6).prefix(Self.textCountMax), as: UTF8.self))
            return
        }
        guard version == Self.version else {
            throw LifecycleError(
                .wrongVersion, "the other process speaks version \(version) of the hand-over, this one \(Self.version)")
        }
        switch (kind, bytes.count) {
        case (1, 6): self = .hello
        case (2, _): self = .offer(names: try Self.names(in: bytes))
        case (3, 6): self = .ready
        case (4, 6): self = .committed
        default:
            throw LifecycleError(.malformedMessage, "no hand-over message has kind \(kind) and \(bytes.count) bytes")
        }
    }

    private static func names(in bytes: [UInt8]) throws(LifecycleError) -> [String] {
        var reader = ByteReader(RawSpan(bytes.span))
        do throws(ByteError) {
            try reader.skip(6)
            let count = Int(try reader.readUInt16())
            var names: [String] = []
            while names.count < min(count, socketsMax) {
                let name = try reader.read(count: Int(try reader.readUInt8()))
                names.append(String(decoding: Array(copying: name), as: UTF8.self))
            }
            if names.count == count, reader.isAtEnd { return names }
        } catch {
            throw LifecycleError(.malformedMessage, "the offer ends inside of a name: \(error)")
        }
        throw LifecycleError(.malformedMessage, "the offer's length does not match its number of names")
    }
}
