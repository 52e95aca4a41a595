import Testing
import VolleyCore
import VolleyReplay

@testable import VolleyDNS

/// Asks questions one after the other, each again until it is answered.
private final class Resolver: DatagramProtocol {
    private let questions: [DNSQuestion]
    private var transport: (any DatagramTransport)?
    private var timer: ScheduledCall?
    private var tries = 0
    private(set) var answers: [DNSMessage] = []
    private(set) var duplicates = 0
    private(set) var malformed = 0

    init(_ questions: [DNSQuestion]) { self.questions = questions }

    var isDone: Bool { answers.count == questions.count }

    func connectionMade(_ transport: any DatagramTransport) {
        self.transport = transport
        ask()
    }

    private func ask() {
        guard !isDone, let transport else { return }
        tries += 1
        let number = answers.count
        let query = DNSMessage(
            query: questions[number], id: UInt16(number), edns: EDNS(options: [.cookie(client: UInt64(number))]))
        if let bytes = try? query.encoded() { transport.send(RawSpan(bytes.span)) }
        timer = transport.eventLoop.callLater(.milliseconds(200)) { [weak self] in self?.ask() }
    }

    func datagramReceived(_ datagram: Datagram) {
        guard let answer = try? DNSMessage(datagram.payload) else {
            malformed += 1
            return
        }
        guard Int(answer.header.id) == answers.count, !isDone else {
            duplicates += 1
            return
        }
        timer?.cancel()
        answers.append(answer)
        ask()
    }

    func connectionLost(_ error: DatagramError?) {
        timer?.cancel()
        transport = nil
    }
}

/// Sends what it is told to and notes what comes back.
private final class Sender: DatagramProtocol {
    private(set) var transport: (any DatagramTransport)?
    private(set) var received: [[UInt8]] = []

    func connectionMade(_ transport: any DatagramTransport) { self.transport = transport }
    func datagramReceived(_ datagram: Datagram) { received.append(Array(copying: datagram.payload)) }
    func connectionLost(_ error: DatagramError?) { transport = nil }
}

@Suite("The responder on a network")
struct ResponderTests {
    private static func authority() throws -> Authority {
        Authority([try Zone(parsing: Array(AnswerTests.zone.utf8), apex: name("example.com."))])
    }

    private static let questions: [DNSQuestion] = (0..<200).map { number in
        switch number % 5 {
        case 0: DNSQuestion(name("www.example.com."), .a)
        case 1: DNSQuestion(name("x\(number).wild.example.com."), .txt)
        case 2: DNSQuestion(name("nothing\(number).example.com."), .a)
        case 3: DNSQuestion(name("chain.example.com."), .a)
        default: DNSQuestion(name("x\(number).sub.example.com."), .a)
        }
    }

    @Test("under loss, duplication and reordering every question gets its answer", arguments: [1, 2, 3] as [UInt64])
    func lossyNetwork(_ seed: UInt64) throws {
        let simulation = Simulation(seed: seed)
        var link = LinkOptions(latency: .milliseconds(5), loss: 0.2)
        link.jitter = .uniform(.zero, .milliseconds(20))
        var faults = Faults()
        faults.duplication = 0.2
        link.faults = faults
        simulation.defaultLink = link
        let responder = DNSResponder(try Self.authority())
        let server = try simulation.addHost("server") { try $0.bind(port: 53) { responder } }
        let resolver = Resolver(Self.questions)
        try simulation.addHost("client").connect(to: SocketAddress(server.addresses[0], port: 53)) { resolver }
        #expect(simulation.run(until: { resolver.isDone }, within: .seconds(600)))
        #expect(resolver.malformed == 0 && resolver.duplicates > 0)
        for (question, answer) in zip(Self.questions, resolver.answers) {
            #expect(answer.questions == [question])
            #expect(answer.responseCode == (question.name.description.hasPrefix("nothing") ? .nameError : .noError))
            #expect(answer.edns?.options.first?.cookie?.server.count == 16)
        }
        let statistics = responder.statistics
        #expect(statistics.received == statistics.answered && statistics.answered > 200)
        #expect(statistics.edns == statistics.answered && statistics.ignored == 0)
        #expect(statistics.queriesByType[.a].map { $0 + (statistics.queriesByType[.txt] ?? 0) } == statistics.received)
        #expect(statistics.responsesByCode.values.reduce(0, +) == statistics.answered)
        simulation.end()
    }

    @Test("what is no query is not answered, and a new authority counts at once")
    func silence() throws {
        let simulation = Simulation(seed: 1)
        let responder = DNSResponder(Authority([]))
        let server = try simulation.addHost("server") { try $0.bind(port: 53) { responder } }
        let sender = Sender()
        try simulation.addHost("client").connect(to: SocketAddress(server.addresses[0], port: 53)) { sender }
        let query = try DNSMessage(query: Self.questions[0], id: 7).encoded()
        var response = query
        response[2] |= 0x80
        for bytes in [response, [], [1, 2, 3], query] { sender.transport?.send(RawSpan(bytes.span)) }
        simulation.run(for: .seconds(1))
        #expect(sender.received.count == 1)
        #expect(try DNSMessage(bytes: #require(sender.received.first)).responseCode == .refused)
        #expect(responder.statistics.ignored == 3 && responder.statistics.received == 4)
        responder.authority = try Self.authority()
        sender.transport?.send(RawSpan(query.span))
        simulation.run(for: .seconds(1))
        #expect(try DNSMessage(bytes: #require(sender.received.last)).answers.count == 2)
        simulation.end()
    }

    @Test("a flood is limited: some answers say TC, the others are dropped; dry runs only count")
    func rateLimit() throws {
        for isDryRun in [false, true] {
            var limit = RateLimiter.Options()
            (limit.rate, limit.window, limit.slip, limit.isDryRun, limit.seed) = (10, 2, 4, isDryRun, 1)
            let simulation = Simulation(seed: 1)
            let responder = DNSResponder(try Self.authority(), rateLimit: limit)
            let server = try simulation.addHost("server") { try $0.bind(port: 53) { responder } }
            let sender = Sender()
            try simulation.addHost("client").connect(to: SocketAddress(server.addresses[0], port: 53)) { sender }
            let query = try DNSMessage(query: Self.questions[0], id: 7).encoded()
            for _ in 0..<100 { sender.transport?.send(RawSpan(query.span)) }
            simulation.run(for: .seconds(1))
            let statistics = responder.statistics
            if isDryRun {
                #expect(sender.received.count == 100 && statistics.limitedDry == 80)
            } else {
                #expect(sender.received.count == 40 && statistics.slipped == 20 && statistics.dropped == 60)
                let truncated = try sender.received.map { try DNSMessage(bytes: $0) }.filter(\.header.isTruncated)
                #expect(truncated.count == 20 && truncated.allSatisfy { $0.answers.isEmpty })
            }
            simulation.end()
        }
    }

    @Test("a client that shows its cookie is not limited")
    func cookieExempts() throws {
        var limit = RateLimiter.Options()
        (limit.rate, limit.window, limit.slip, limit.seed) = (1, 1, 0, 1)
        let simulation = Simulation(seed: 1)
        let responder = DNSResponder(try Self.authority(), rateLimit: limit)
        let server = try simulation.addHost("server") { try $0.bind(port: 53) { responder } }
        let sender = Sender()
        try simulation.addHost("client").connect(to: SocketAddress(server.addresses[0], port: 53)) { sender }
        func send(_ option: EDNSOption) throws {
            let query = try DNSMessage(query: Self.questions[0], id: 7, edns: EDNS(options: [option])).encoded()
            sender.transport?.send(RawSpan(query.span))
            simulation.run(for: .milliseconds(10))
        }
        try send(.cookie(client: 5))
        let first = try #require(sender.received.first)
        let cookie = try #require(DNSMessage(bytes: first).edns?.options.first)
        for _ in 0..<50 { try send(cookie) }
        #expect(sender.received.count == 51 && responder.statistics.cookies == 50)
        for _ in 0..<5 { try send(.cookie(client: 5)) }
        #expect(sender.received.count == 51 && responder.statistics.dropped == 5)
        simulation.end()
    }

    @Test("statistics of shards add up")
    func sums() {
        var one = DNSStatistics()
        var outcome = DNSAnswerer.Outcome()
        outcome.isAnswered = true
        outcome.type = .caa
        one.received = 3
        one.note(outcome)
        outcome.type = DNSType(rawValue: 9999)
        outcome.responseCode = .badVersion
        one.note(outcome)
        let sum = one + one
        #expect(sum.received == 6 && sum.answered == 4 && sum.otherTypes == 2)
        #expect(sum.queriesByType == [.caa: 2] && sum.responsesByCode == [.noError: 2, .badVersion: 2])
    }
}

@Suite("Rate limits")
struct RateLimiterTests {
    private static func limiter(_ change: (inout RateLimiter.Options) -> Void = { _ in }) -> RateLimiter {
        var options = RateLimiter.Options()
        (options.rate, options.window, options.slip, options.seed) = (10, 1, 0, 42)
        change(&options)
        return RateLimiter(options)
    }

    private static func passed(_ limiter: inout RateLimiter, _ addresses: [IPAddress], at seconds: Double) -> Int {
        let now = MonotonicInstant(nanoseconds: Int64(seconds * 1e9))
        return addresses.count {
            if case .pass = limiter.judge($0, now: now) { true } else { false }
        }
    }

    @Test("an address has its rate, and its burst once it has been quiet")
    func rate() {
        var limiter = Self.limiter()
        let many = [IPAddress](repeating: IPAddress(v4: 0xc000_0201), count: 100)
        #expect(Self.passed(&limiter, many, at: 0) == 10)
        #expect(Self.passed(&limiter, many, at: 0.5) == 5)
        #expect(Self.passed(&limiter, many, at: 100) == 10)
        #expect(Self.passed(&limiter, [IPAddress(v4: 0xc000_0202)], at: 100) == 1)
    }

    @Test(
        "the addresses of a prefix share its rate",
        arguments: [(false, 24, 320), (true, 64, 20), (true, 56, 30), (true, 48, 40)])
    func ladder(_ isIPv6: Bool, _ prefix: Int, _ expected: Int) {
        var limiter = Self.limiter()
        let addresses = (0..<1000).map { number -> IPAddress in
            let spread = UInt64(number)
            guard isIPv6 else { return IPAddress(v4: 0xc000_0200 | UInt32(number % 256)) }
            return switch prefix {
            case 64: IPAddress(v6High: 0x2001_0db8_0000_0000, low: spread)
            case 56: IPAddress(v6High: 0x2001_0db8_0000_0000 | spread % 256, low: spread)
            default: IPAddress(v6High: 0x2001_0db8_0000_0000 | spread % 65_536 << 8, low: spread)
            }
        }
        #expect(Self.passed(&limiter, addresses, at: 0) == expected)
    }

    @Test("absurd limits are limits too")
    func absurd() {
        var limiter = Self.limiter {
            ($0.rate, $0.window, $0.tableSize) = (.max, .max, 0)
            $0.ipv4 = [RateLimiter.Rung(prefix: 99, multiplier: .max), RateLimiter.Rung(prefix: -1, multiplier: .min)]
        }
        #expect(Self.passed(&limiter, [IPAddress(v4: 1), IPAddress(v4: 1)], at: 0) == 2)
        #expect(Self.passed(&limiter, [IPAddress(v4: 1)], at: 9e9) == 1)
    }

    @Test("an IPv4-mapped address is the IPv4 address")
    func mapped() {
        var limiter = Self.limiter()
        let address = IPAddress(v4: 0xc000_0201)
        let many = [IPAddress](repeating: address, count: 5) + [IPAddress](repeating: address.mappedToIPv6, count: 20)
        #expect(Self.passed(&limiter, many, at: 0) == 10)
    }

    @Test("of the limited answers as many slip as asked for", arguments: [(0, 0), (1, 90), (2, 45), (10, 9)])
    func slip(_ slip: Int, _ expected: Int) {
        var limiter = Self.limiter { $0.slip = slip }
        let now = MonotonicInstant(nanoseconds: 0)
        let slipped = (0..<100).count { _ in
            if case .slip = limiter.judge(IPAddress(v4: 1), now: now) { true } else { false }
        }
        #expect(slipped == expected)
    }

    @Test("random sources leave a client that asks now and then alone, and a flood limited")
    func manySources() {
        var limiter = Self.limiter { $0.tableSize = 1024 }
        var generator = SplitMix64(seed: 1)
        let (quiet, loud) = (IPAddress(v4: 0x0808_0808), IPAddress(v6High: 0x2001_0db8_0000_0000, low: 7))
        var (quietPassed, loudPassed) = (0, 0)
        for round in 0..<1000 {
            let seconds = Double(round) / 100
            let strangers = (0..<50).map { _ in IPAddress(v4: UInt32(truncatingIfNeeded: generator.next())) }
            _ = Self.passed(&limiter, strangers, at: seconds)
            if round % 50 == 0 { quietPassed += Self.passed(&limiter, [quiet], at: seconds) }
            loudPassed += Self.passed(&limiter, [IPAddress](repeating: loud, count: 20), at: seconds)
        }
        #expect(quietPassed == 20)
        // 10 a second for 10 seconds, the burst, and what was forgotten for want of room.
        #expect(loudPassed < 20_000 / 2)
    }
}
