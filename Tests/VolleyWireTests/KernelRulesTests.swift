import Testing
import VolleyCore

@testable import VolleyWire

@Suite struct KernelRulesTests {
    private func decode(
        _ frame: [UInt8], checksums: ChecksumPolicy = .ignore, delivery: DeliveryMode = .kernel,
        isLoopback: Bool = false,
        routesLocalnet: Bool = false
    ) -> DecodedFrame {
        var options = DecodingOptions()
        options.routesLocalnet = routesLocalnet
        options.delivery = delivery
        options.checksums = checksums
        options.isLoopbackDevice = isLoopback
        var decoder = RecordDecoder(options)
        return decoder.decode(RawSpan(frame.span), originalLength: frame.count, linkType: .rawIP)
    }

    static func ipv4(from source: String, to destination: String, options: String = "") -> [UInt8] {
        let words = hex(options).count / 4
        let first = Packet.number(0x45 + words, digits: 2)
        let length = Packet.number(32 + 4 * words, digits: 4)
        return hex(first + "00 \(length) 0001 0000 4011 0000 \(source) \(destination)" + options + Packet.udp)
    }

    static func ipv6(from source: String, to destination: String, next: UInt8 = 17, headers: String = "") -> [UInt8] {
        let length = Packet.number(12 + hex(headers).count, digits: 4)
        return hex(
            "6000 0000 \(length)" + Packet.number(Int(next), digits: 2) + "40" + source + destination + headers
                + Packet.udp)
    }

    static let addresses4: [(String, String, MalformedReason)] = [
        ("e0000001", "c6336402", .source), ("ffffffff", "c6336402", .source),
        ("00000000", "c6336402", .source), ("00000001", "c6336402", .source),
        ("c0000201", "00000000", .destination), ("c0000201", "7f000001", .destination),
        ("7f000001", "c6336402", .source),
        ("c0000201", "c6336402", .none), ("00000000", "ffffffff", .none), ("00000000", "e0000001", .none),
        ("c0000201", "e0000001", .none), ("c0000201", "ffffffff", .none),
    ]

    @Test(arguments: addresses4)
    func addressesNobodyMayHaveAreRefused(source: String, destination: String, reason: MalformedReason) {
        let frame = Self.ipv4(from: source, to: destination)
        #expect(decode(frame).reason == reason)
        #expect(decode(frame).recordClass == (reason == .none ? .delivered : .refused))
        #expect(decode(frame, delivery: .lenient).isDelivered)
    }

    static let address = "20010db8000000000000000000000001"
    static let loopback = "00000000000000000000000000000001"
    static let zero = "00000000000000000000000000000000"

    static let addresses6: [(String, String, MalformedReason)] = [
        (loopback, address, .source), (address, loopback, .destination),
        ("ff020000000000000000000000000001", address, .source), ("00000000000000000000ffffc0000201", address, .source),
        (address, zero, .destination), (address, "ff010000000000000000000000000001", .destination),
        (address, "ff000000000000000000000000000001", .destination), (address, address, .none),
        (address, "ff020000000000000000000000000001", .none), (zero, address, .none),
    ]

    @Test(arguments: addresses6)
    func addressesOfIPv6NobodyMayHaveAreRefused(source: String, destination: String, reason: MalformedReason) {
        let frame = Self.ipv6(from: source, to: destination)
        #expect(decode(frame).reason == reason)
        #expect(decode(frame, delivery: .lenient).isDelivered)
    }

    @Test func aLoopbackDeviceTakesLoopbackAddresses() {
        #expect(decode(Self.ipv4(from: "7f000001", to: "7f000001"), isLoopback: true).isDelivered)
        #expect(decode(Self.ipv6(from: Self.loopback, to: Self.loopback), isLoopback: true).isDelivered)
        #expect(decode(Self.ipv4(from: "7f000001", to: "7f000001"), routesLocalnet: true).isDelivered)
        #expect(decode(Self.ipv6(from: Self.loopback, to: Self.loopback), routesLocalnet: true).reason == .source)
    }

    static let ipv4OptionCases: [(String, Bool)] = [
        ("01010101", true), ("07070400 00000000", true), ("94040000", true), ("82000000", false), ("820b0000", false),
        ("83070400 00000000", false), ("89070400 00000000", false), ("07020000", false), ("44040400", false),
    ]

    @Test(arguments: ipv4OptionCases)
    func optionsOfIPv4AreLookedAt(options: String, isGood: Bool) {
        let frame = Self.ipv4(from: "c0000201", to: "c6336402", options: options)
        #expect(decode(frame).reason == (isGood ? .none : .ipv4Option))
    }

    static let extensionCases: [(UInt8, String, MalformedReason)] = [
        (43, "1100 0000 00000000", .none), (43, "1100 0001 00000000", .routingHeader),
        (43, "1100 0200 00000000", .routingHeader), (43, "1100 0400 00000000", .routingHeader),
        (60, "1100 0104 00000000", .none), (60, "1100 0104 00000001", .ipv6Option),
        (60, "1100 0000 00000000", .none), (60, "1101 0106 00000000 0000 010200000000", .ipv6Option),
        (60, "1100 3e04 00000000", .none), (60, "1100 7e04 00000000", .ipv6Option),
        (60, "1102 c910 20010db8000000000000000000000009 01020000", .ipv6Option),
        (60, "1102 0200 0200 0200 0200 0200 0200 0200 0200 0200 0200 0200", .ipv6Option),
        (0, "1100 0502 0000 0100", .none), (60, "0000 0104 00000000 1100 0104 00000000", .headerOrder),
        (135, "1100 0000 00000000", .headerOrder),
    ]

    @Test(arguments: extensionCases)
    func extensionHeadersAreLookedAt(next: UInt8, headers: String, reason: MalformedReason) {
        let frame = Self.ipv6(from: Self.address, to: Self.address, next: next, headers: headers)
        #expect(decode(frame).reason == reason)
        #expect(decode(frame, delivery: .lenient).isDelivered)
    }

    @Test func aUDPLengthOfZeroIsThatOfThePacketForTheKernel() {
        let frame = hex(Packet.ipv6.replacing("000c 0000", with: "0000 0000"))
        let decoded = decode(frame)
        #expect(decoded.isDelivered)
        #expect(decoded.payloadLength == 4)
        #expect(decoded.source == Packet.source6)
        #expect(decode(frame, delivery: .lenient).recordClass == .badUDPLength)
        #expect(decode(hex(Packet.ipv4.replacing("000c 0000", with: "0000 0000"))).recordClass == .badUDPLength)
    }

    // Packets with checksums of another implementation.
    @Test(arguments: [
        ("4500 0021 0000 4000 4011 4e95 c0000201 c6336402 1388 0035 000d bc0d 68656c6c6f", 0),
        (
            "6000 0000 000d 1140 20010db8000000000000000000000001 20010db8000000000000000000000002"
                + "1388 0035 000d 4cd0 68656c6c6f", 8
        ),
    ])
    func checksumsAreVerifiedWhereAskedFor(packet: String, firstSummed: Int) {
        let packet = hex(packet)
        #expect(decode(packet, checksums: .verify).isDelivered)
        for index in packet.indices where index >= firstSummed {
            var damaged = packet
            damaged[index] ^= 0x10
            #expect(decode(damaged, checksums: .ignore, delivery: .lenient).recordClass != .badChecksum)
            #expect(!decode(damaged, checksums: .verify, delivery: .lenient).isDelivered, "byte \(index)")
        }
    }

    @Test func noChecksumIsGoodExceptOverIPv6ForTheKernel() {
        let header = "4500 0020 0000 4000 4011 3666 c0000201 c6336402"
        #expect(decode(hex(header + Packet.udp), checksums: .verify, delivery: .kernel).isDelivered)
        #expect(decode(hex(Packet.ipv6), checksums: .verify, delivery: .lenient).isDelivered)
        #expect(decode(hex(Packet.ipv6), checksums: .verify).recordClass == .badChecksum)
    }

    @Test func anICMPErrorNeedsItsChecksum() {
        let frame = ICMPTests.icmpv6(type: "01", quoted: Packet.ipv6)
        #expect(decode(frame).recordClass == .icmpError)
        #expect(decode(frame, checksums: .verify).recordClass == .badChecksum)
        #expect(decode(frame, checksums: .verify, delivery: .lenient).recordClass == .badChecksum)
    }
}
