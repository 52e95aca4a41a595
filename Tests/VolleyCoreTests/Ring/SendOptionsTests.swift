import Testing

@testable import VolleyCore

@Suite("How a datagram is to leave")
struct SendOptionsTests {
    @Test("nothing said is nothing to do")
    func nothing() {
        #expect(SendOptions().control.isDefault)
        #expect(SendControl().isDefault)
        #expect(SendControl() == SendControl())
    }

    @Test(
        "ECN and DSCP share an octet; one of them sets both",
        arguments: [
            (nil, nil, -1), (.notCapable, nil, 0), (.capable1, nil, 1), (.capable0, nil, 2),
            (.congestionExperienced, nil, 3),
            (nil, 0, 0), (nil, 1, 4), (nil, 63, 252), (.congestionExperienced, 46, 187), (.capable0, 63, 254),
        ] as [(ECN?, UInt8?, Int16)])
    func trafficClass(ecn: ECN?, dscp: UInt8?, expected: Int16) {
        var options = SendOptions()
        options.ecn = ecn
        options.dscp = dscp
        #expect(options.control.trafficClass == expected)
        #expect(options.control.isDefault == (expected < 0))
    }

    @Test(
        "a DSCP that is out of range stays within its six bits and leaves ECN alone",
        arguments: [64, 128, 255] as [UInt8])
    func outOfRange(dscp: UInt8) {
        var options = SendOptions()
        options.dscp = dscp
        options.ecn = .capable1
        #expect(options.control.trafficClass == Int16(dscp & 63) << 2 | 1)
    }

    @Test(
        "a transmit time before the clock began is at once",
        arguments: [
            (Int64.min, 0), (-1, 0), (0, 0), (1, 1), (.max, UInt64(Int64.max)),
        ] as [(Int64, UInt64)])
    func transmitTime(nanoseconds: Int64, expected: UInt64) {
        var options = SendOptions()
        options.transmitTime = MonotonicInstant(nanoseconds: nanoseconds)
        #expect(options.control.transmitTime == expected)
    }

    @Test("controls are the same when all of them is")
    func equality() {
        var all: [SendControl] = [SendControl()]
        var options = SendOptions()
        options.source = .loopbackV4
        all.append(options.control)
        options.ecn = .capable0
        all.append(options.control)
        options.transmitTime = MonotonicInstant(nanoseconds: 5)
        all.append(options.control)
        all.append(SendControl(from: LocalAddress(ip: .loopbackV4, interfaceIndex: 3)))
        for (first, one) in all.enumerated() {
            for (second, other) in all.enumerated() { #expect((one == other) == (first == second)) }
        }
        #expect(all.map(\.isDefault) == [true, false, false, false, false])
        #expect(!LocalAddress.unknown.isKnown)
        #expect(all[1].local == LocalAddress(ip: .loopbackV4, interfaceIndex: 0))
    }
}
