import SystemPackage
import Testing
import VolleyCapture
import VolleyReplay

/// Groups in a replay: they are joined and left as ever, and the capture says what arrives.
@Suite struct ReplayMulticastTests {
    @Test func aProtocolThatJoinsItsGroupRunsUnchanged() throws {
        let capture = TestCapture()
        try capture.add("a", to: address("224.0.0.251:5353"))
        let probe = Probe()
        let membership = MulticastMembership(address("224.0.0.251:0").ip, interface: "eth0")
        probe.onMade = { probe in
            probe.joinAndNote(membership)
            probe.joinAndNote(membership)
        }
        let report = try Replay(bytes: capture.bytes, as: .server(port: 5353)).run { probe }
        #expect(probe.log.prefix(4) == ["made@0", "joined@0", "error 98@0", "a@0"])
        #expect(report.statistics.received == 1)
    }
}

extension Probe {
    fileprivate func joinAndNote(_ membership: MulticastMembership) {
        do throws(DatagramError) {
            try transport?.join(membership)
            note("joined")
        } catch {
            note("error \(error.errno.rawValue)")
        }
    }
}
