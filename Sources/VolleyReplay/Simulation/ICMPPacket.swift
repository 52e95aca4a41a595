import VolleyCore
import VolleyWire

/// Writes ICMP and ICMPv6 errors as bare IP packets, for captures.
enum ICMPPacket {
    /// The packet of `message`, from its offender to the source of the datagram it quotes (RFC 792, RFC 4443).
    static func bytes(of message: ICMPReport) throws(WireError) -> [UInt8] {
        let isIPv6 = message.quotedDestination.family == .ipv6
        let quote = try quotedPacket(message)
        var body: [UInt8] = [message.type, message.code, 0, 0]
        append(message.info(isIPv6: isIPv6), to: &body)
        body += quote.prefix((isIPv6 ? 1_280 : 576) - (isIPv6 ? 48 : 28))
        var sum = InternetChecksum()
        if isIPv6 {
            sum.add(message.offender)
            sum.add(message.quotedSource.ip)
            sum.add(UInt32(body.count))
            sum.add(58 as UInt16)
        }
        sum.add(RawSpan(body.span))
        body[2] = UInt8(sum.value >> 8)
        body[3] = UInt8(sum.value & 0xff)
        return header(message, count: body.count, isIPv6: isIPv6) + body
    }

    /// The datagram that is quoted, as far as its payload is known.
    private static func quotedPacket(_ message: ICMPReport) throws(WireError) -> [UInt8] {
        var failure: WireError?
        let isIPv6 = message.quotedDestination.family == .ipv6
        let length = UDPPacket.length(payloadLength: message.quoted.count, isIPv6: isIPv6)
        var bytes = [UInt8](repeating: 0, count: length)
        // SAFETY: the output span stays within the closure that lends it its memory, and fills all of it or throws.
        unsafe bytes.withUnsafeMutableBytes { buffer in
            var output = unsafe OutputRawSpan(buffer: buffer, initializedCount: 0)
            do throws(WireError) {
                try UDPPacket.write(
                    from: message.quotedSource, to: message.quotedDestination, payload: RawSpan(message.quoted.span),
                    into: &output)
            } catch {
                failure = error
            }
            _ = unsafe output.finalize(for: buffer)
        }
        if let failure { throw failure }
        return bytes
    }

    private static func header(_ message: ICMPReport, count: Int, isIPv6: Bool) -> [UInt8] {
        var header: [UInt8] = []
        if isIPv6 {
            append(0x6000_0000, to: &header)
            append(UInt32(count) << 16 | 0x3a40, to: &header)
        } else {
            append(0x4500_0000 | UInt32(count + 20), to: &header)
            append(0x0000_4000, to: &header)
            append(0x4001_0000, to: &header)
        }
        for address in [message.offender, message.quotedSource.ip] {
            for index in 0..<address.octetCount { header.append(address.octet(index)) }
        }
        guard !isIPv6 else { return header }
        var sum = InternetChecksum()
        sum.add(RawSpan(header.span))
        header[10] = UInt8(sum.value >> 8)
        header[11] = UInt8(sum.value & 0xff)
        return header
    }

    private static func append(_ word: UInt32, to bytes: inout [UInt8]) {
        for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(shift))) }
    }
}

extension ICMPReport {
    /// The 32 bits behind the checksum: where the MTU or pointer is depends on the type.
    fileprivate func info(isIPv6: Bool) -> UInt32 { !isIPv6 && type == 12 ? info << 24 : info }
}
