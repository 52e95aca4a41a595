import Testing
import VolleyCapture
import VolleyReplay

/// The local address of what was sent to groups and to everybody: as a socket of Linux has it.
@Suite struct ReplayLocalAddressTests {
    /// Notes the local addresses of what it receives, and answers.
    private final class Listener: DatagramProtocol {
        var locals: [String] = []

        func datagramReceived(_ datagram: Datagram) {
            locals.append(datagram.localAddress.map { "\($0)" } ?? "nil")
            datagram.reply(datagram.payload)
        }
    }

    private func run(
        _ destinations: [String], from client: String, as role: ReplayRole
    ) throws -> (locals: [String], sources: [String]) {
        let capture = TestCapture()
        for (index, text) in destinations.enumerated() {
            try capture.add("x", at: Int64(index) * 1_000, from: address(client), to: address(text))
        }
        let listener = Listener()
        var options = ReplayOptions()
        options.keepsSent = true
        let report = try Replay(bytes: capture.bytes, as: role, options: options).run { listener }
        #expect(report.isBalanced)
        return (listener.locals, report.sent.map { "\($0.source.ip)" })
    }

    @Test func overIPv4ItIsTheAddressThatWouldAnswer() throws {
        let destinations = ["224.0.0.251:53", "192.0.2.1:53", "224.0.0.251:53", "255.255.255.255:53", "192.0.2.9:53"]
        let (locals, sources) = try run(destinations, from: "198.51.100.7:4000", as: .server(port: 53))
        #expect(locals == ["nil", "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.9"])
        #expect(sources == ["0.0.0.0", "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.9"])
    }

    @Test func overIPv6ItIsTheGroup() throws {
        let (locals, sources) = try run(
            ["[2001:db8::1]:53", "[ff02::fb]:53"], from: "[2001:db8::7]:4000", as: .server(port: 53))
        #expect(locals == ["2001:db8::1", "ff02::fb"])
        #expect(sources == ["2001:db8::1", "2001:db8::1"])
    }

    @Test func anEndpointOfAGroupHasNoAddressUntilOneIsKnown() throws {
        let (locals, _) = try run(
            ["224.0.0.251:53"], from: "198.51.100.7:4000", as: .server(address("224.0.0.251:53")))
        #expect(locals == ["nil"])
    }
}
