public import VolleyCore
import VolleyWire

/// Whole datagrams, as a tap or a replay has them.
extension CaptureWriter {
    /// Writes a UDP datagram as a bare IP packet; for interfaces of ``LinkType/rawIP``.
    ///
    /// - Parameters:
    ///   - payload: at most 65,507 bytes over IPv4, 65,527 over IPv6.
    ///   - source: the same family as `destination`.
    ///   - destination: where it goes to.
    ///   - timestampNanoseconds: since the Unix epoch; not negative.
    ///   - interface: the number of the interface; pcap knows 0 only.
    ///   - direction: kept by pcapng, lost in pcap.
    ///   - comment: kept by pcapng, lost in pcap.
    /// - Throws: ``CaptureError`` with the code ``CaptureError/Code/invalidArgument`` when there is no such packet, and
    ///   whatever writing throws.
    public func writeDatagram(
        _ payload: RawSpan, from source: SocketAddress, to destination: SocketAddress,
        at timestampNanoseconds: Int64, interface: Int = 0, direction: PacketDirection = .unknown,
        comment: String? = nil
    ) throws(CaptureError) {
        if scratch.isEmpty {
            scratch = [UInt8](repeating: 0, count: UDPPacket.length(payloadLength: 65_535, isIPv6: true))
        }
        let length: Int
        do {
            length = try Self.makePacket(in: &scratch, payload, from: source, to: destination).get()
        } catch {
            throw invalid(error.message)
        }
        // A second reference, for the span of a property would borrow all of the writer.
        let packet = scratch
        // SAFETY: `bytes` is unsafe for the padding some element types have; a UInt8 has none.
        unsafe try write(
            packet.span.bytes.extracting(0..<length), at: timestampNanoseconds, interface: interface,
            direction: direction, comment: comment)
    }

    private static func makePacket(
        in scratch: inout [UInt8], _ payload: RawSpan, from source: SocketAddress, to destination: SocketAddress
    ) -> Result<Int, WireError> {
        // SAFETY: the output span stays within the closure that lends it its memory.
        unsafe scratch.withUnsafeMutableBytes { buffer in
            var output = unsafe OutputRawSpan(buffer: buffer, initializedCount: 0)
            do throws(WireError) {
                try UDPPacket.write(from: source, to: destination, payload: payload, into: &output)
            } catch {
                return .failure(error)
            }
            return unsafe .success(output.finalize(for: buffer))
        }
    }
}
