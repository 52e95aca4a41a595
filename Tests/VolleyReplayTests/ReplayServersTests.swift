import Testing

@testable import VolleyReplay

@Suite struct ReplayServersTests {
    private func client(_ number: Int) -> SocketAddress { address("198.51.100.7:\(40_000 + number)") }

    @Test func conversationsBeyondTheLimitAreCountedAndGuessedByTheAddress() {
        var servers = ReplayServers(endpointsMax: 10, conversationsMax: 2)
        let server = TestCapture.server
        for number in 0..<2 { _ = servers.owner(from: client(number), to: server) }
        #expect(servers.unremembered == 0)
        guard case .known(0, isAnswer: false) = servers.owner(from: client(2), to: server) else {
            Issue.record("a datagram to a server is for it")
            return
        }
        #expect(servers.unremembered == 1)
        guard case .known(0, isAnswer: true) = servers.owner(from: server, to: client(2)) else {
            Issue.record("what a server sends is an answer")
            return
        }
        #expect(servers.unremembered == 2)
        // One that is remembered is not guessed.
        guard case .known(0, isAnswer: true) = servers.owner(from: server, to: client(0)) else {
            Issue.record("the conversation is known")
            return
        }
        #expect(servers.unremembered == 2)
    }
}
