import Testing
import VolleyCore
import VolleyWire

@Suite struct UDPPacketTests {
    /// Writes a packet into a buffer of `capacity` bytes.
    private func write(
        _ payload: [UInt8], from source: SocketAddress, to destination: SocketAddress, capacity: Int = 70_000
    ) throws(WireError) -> [UInt8] {
        var failure: WireError?
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 1)
        // SAFETY: the output span ends before the buffer is freed, and only what it filled is read.
        defer { unsafe buffer.deallocate() }
        var output = unsafe OutputRawSpan(buffer: buffer, initializedCount: 0)
        do throws(WireError) {
            try unsafe UDPPacket.write(
                from: source, to: destination, payload: payload.span.bytes, into: &output)
        } catch {
            failure = error
        }
        let count = unsafe output.finalize(for: buffer)
        if let failure {
            #expect(count == 0)
            throw failure
        }
        return unsafe Array(buffer[..<count])
    }

    // The expected bytes come from another implementation, with checksums computed over whole pseudo-headers.

    @Test func writesIPv4WithChecksums() throws {
        let packet = try write(Array("hello".utf8), from: Packet.source4, to: Packet.destination4)
        #expect(
            packet
                == hex(
                    "4500 0021 0000 4000 4011 4e95 c0000201 c6336402 1388 0035 000d bc0d 68656c6c6f"))
    }

    @Test func writesIPv6WithChecksums() throws {
        let packet = try write(Array("hello".utf8), from: Packet.source6, to: Packet.destination6)
        #expect(
            packet
                == hex(
                    "6000 0000 000d 1140 20010db8000000000000000000000001 20010db8000000000000000000000002"
                        + "1388 0035 000d 4cd0 68656c6c6f"))
    }

    @Test func aChecksumOfZeroIsSentAsAllOnes() throws {
        let packet = try write(hex("ffe5"), from: Packet.source4, to: Packet.destination4)
        #expect(packet == hex("4500 001e 0000 4000 4011 4e98 c0000201 c6336402 1388 0035 000a ffff ffe5"))
    }

    @Test(arguments: [0, 1, 1_400, 65_507])
    func whatIsWrittenIsDecodedOverIPv4(length: Int) throws {
        let bytes = [UInt8](repeating: 0xa5, count: length)
        let packet = try write(bytes, from: Packet.source4, to: Packet.destination4)
        #expect(packet.count == UDPPacket.length(payloadLength: length, isIPv6: false))
        #expect(payload(packet, .ipv4) == bytes)
        #expect(decode(packet, .rawIP).source == Packet.source4)
        #expect(decode(packet, .rawIP).destination == Packet.destination4)
    }

    @Test(arguments: [0, 1, 1_400, 65_527])
    func whatIsWrittenIsDecodedOverIPv6(length: Int) throws {
        let bytes = [UInt8](repeating: 0xa5, count: length)
        let packet = try write(bytes, from: Packet.source6, to: Packet.destination6)
        #expect(packet.count == UDPPacket.length(payloadLength: length, isIPv6: true))
        #expect(payload(packet, .ipv6) == bytes)
        #expect(decode(packet, .rawIP).source == Packet.source6)
    }

    @Test func aPayloadTooLongForItsFamilyIsRefused() {
        let four = #expect(throws: WireError.self) {
            try write([UInt8](repeating: 0, count: 65_508), from: Packet.source4, to: Packet.destination4)
        }
        #expect(four?.code == .payloadTooLong)
        #expect(four?.message.contains("65507") == true)
        let six = #expect(throws: WireError.self) {
            try write([UInt8](repeating: 0, count: 65_528), from: Packet.source6, to: Packet.destination6)
        }
        #expect(six?.code == .payloadTooLong)
    }

    @Test func mixedAndMissingFamiliesAreRefused() {
        let mixed = #expect(throws: WireError.self) {
            try write([], from: Packet.source4, to: Packet.destination6)
        }
        #expect(mixed?.code == .addressFamily)
        let missing = #expect(throws: WireError.self) { try write([], from: .unspecified, to: .unspecified) }
        #expect(missing?.code == .addressFamily)
    }

    @Test func aBufferTooSmallIsRefusedAndLeftAlone() throws {
        let error = #expect(throws: WireError.self) {
            try write([1, 2], from: Packet.source4, to: Packet.destination4, capacity: 29)
        }
        #expect(error?.code == .bufferTooSmall)
        #expect(try write([1, 2], from: Packet.source4, to: Packet.destination4, capacity: 30).count == 30)
    }
}
