import Testing
import VolleyCore

@testable import VolleyWire

/// How long ``RecordDecoder`` lets fragments wait.
@Suite struct FragmentTimeoutTests {
    private static let second: Int64 = 1_000_000_000

    /// What the second half of a datagram comes to, so much later than the first.
    private func secondHalf(
        after nanoseconds: Int64, isIPv6: Bool, delivery: DeliveryMode, timeout: FragmentTimeout? = nil
    ) -> RecordClass {
        var options = DecodingOptions()
        options.delivery = delivery
        options.checksums = .ignore
        options.fragments.timeout = timeout
        var decoder = RecordDecoder(options)
        let content = Fragments.datagram(payloadLength: 40)
        var result = RecordClass.malformed
        for (range, time) in [(0..<16, 0), (16..<48, nanoseconds)] as [(Range<Int>, Int64)] {
            let frame = Fragments.frame(content, range, isIPv6: isIPv6)
            result =
                decoder.decode(RawSpan(frame.span), originalLength: frame.count, linkType: .rawIP, at: time).recordClass
        }
        return result
    }

    @Test(arguments: [(false, 30), (true, 60)] as [(Bool, Int64)])
    func theKernelWaitsThirtySecondsForIPv4AndSixtyForIPv6(isIPv6: Bool, seconds: Int64) {
        let limit = seconds * Self.second
        #expect(secondHalf(after: limit, isIPv6: isIPv6, delivery: .kernel) == .delivered)
        #expect(secondHalf(after: limit + 1, isIPv6: isIPv6, delivery: .kernel) == .pendingFragment)
    }

    @Test(arguments: [false, true])
    func withoutTheKernelsRulesFragmentsWaitForEver(isIPv6: Bool) {
        #expect(secondHalf(after: 86_400 * Self.second, isIPv6: isIPv6, delivery: .lenient) == .delivered)
    }

    @Test(arguments: [DeliveryMode.lenient, .kernel])
    func aTimeoutThatIsSetHolds(delivery: DeliveryMode) {
        let timeout = FragmentTimeout(ipv4Nanoseconds: 100 * Self.second, ipv6Nanoseconds: 5 * Self.second)
        func outcome(_ seconds: Int64, isIPv6: Bool) -> RecordClass {
            secondHalf(after: seconds * Self.second, isIPv6: isIPv6, delivery: delivery, timeout: timeout)
        }
        #expect(outcome(99, isIPv6: false) == .delivered)
        #expect(outcome(101, isIPv6: false) == .pendingFragment)
        #expect(outcome(5, isIPv6: true) == .delivered)
        #expect(outcome(6, isIPv6: true) == .pendingFragment)
    }
}
