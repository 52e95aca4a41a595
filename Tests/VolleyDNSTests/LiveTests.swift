import Synchronization
import Testing
import Volley
import VolleyDNS

/// Asks one question and closes when it is answered.
private final class Question: DatagramProtocol {
    private let query: [UInt8]
    private let answer: Answer
    private var transport: (any DatagramTransport)?

    final class Answer: Sendable {
        let bytes = Mutex<[UInt8]>([])
    }

    init(_ query: [UInt8], _ answer: Answer) {
        self.query = query
        self.answer = answer
    }

    func connectionMade(_ transport: any DatagramTransport) {
        self.transport = transport
        transport.send(query)
    }

    func datagramReceived(_ datagram: Datagram) {
        answer.bytes.withLock { $0 = Array(copying: datagram.payload) }
        transport?.close()
    }

    func connectionLost(_ error: DatagramError?) { transport = nil }
}

@Suite("The responder on a socket")
struct LiveTests {
    @Test("the README's server answers", .timeLimit(.minutes(10)))
    func readme() throws {
        let contents = Array(AnswerTests.zone.utf8)
        let address = SocketAddress(.loopbackV4, port: 0)
        let loop = try LiveEventLoop()

        let apex = try DomainName(parsing: "example.com.")
        let zone = try Zone(parsing: contents, file: "example.com.zone", apex: apex)
        let endpoint = try loop.bindDatagram(to: address) { DNSResponder(Authority([zone])) }

        let query = try DNSMessage(query: DNSQuestion(name("www.example.com."), .a), id: 77).encoded()
        let answer = Question.Answer()
        let local = try #require(endpoint.localAddress)
        let client = try loop.connectDatagram(to: local) { Question(query, answer) }
        client.waitUntilClosed()
        let bytes = answer.bytes.withLock { $0 }
        #expect(try DNSMessage(bytes: bytes).answers.count == 2)
        endpoint.close()
        endpoint.waitUntilClosed()
    }
}
