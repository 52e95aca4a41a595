import Dispatch
import Glibc
import SystemPackage
import Volley
import VolleyCapture
import VolleyCore
import VolleyReplay

/// A live replay at work: it sends the clients' side of a capture to a real service, and compares the answers.
///
/// It is itself a user of the library: every client is a connected endpoint, and all of them, the schedule and the reader
/// live on one event loop, whose timers wake it for the next deadline.
final class ReplayLive: @unchecked Sendable {
    // True by the loop: from `begin` until `ended` all of it is used on the loop's thread only.
    private let eventLoop: LiveEventLoop
    private let options: Options
    private let ended = DispatchSemaphore(value: 0)
    private var loop: (any EventLoop)?
    private let source: PacedCapture
    private var pacer: Pacer
    private var matcher: ReplyMatcher?
    private var golden: CaptureWriter?

    private var clients: [ReplyMatcher.Flow: ReplayLiveClient] = [:]
    private var sockets: [ReplayLiveClient] = []
    private var touched: [ReplayLiveClient] = []
    /// The next datagram to be sent, with its deadline.
    private var next: (item: PacedCapture.Item, deadline: Int64)?
    private var timer: ScheduledCall?
    /// The deadlines of what waits for the flush.
    private var deadlines: [Int64] = []
    private var isSending = true
    private var isPumping = false
    /// What the wall clock is ahead of the loop's.
    private var wallClockOffset: Int64 = 0
    private var start: Int64 = 0
    private(set) var outcome = Outcome()

    /// How it is done.
    struct Options {
        var target: SocketAddress
        var pacing = PacingOptions()
        var socketsMax = 512
        var usesOriginalSources = false
        var drain = Duration.seconds(1)
        /// Nil when answers are not compared.
        var rules: ReplyRules?
        var differencesMax = 10
        /// Takes what is sent and answered, with the addresses of the capture.
        var golden: CaptureWriter?
        var fileSize: Int64?
        /// Whether reading may have to wait for somebody who writes the capture just now.
        var isComing = false
    }

    /// What came of it.
    struct Outcome {
        var sent = 0
        var bytesSent = 0
        var answers = 0
        var answersCaptured = 0
        var sockets = 0
        var clients = 0
        var lateness = LatenessHistogram()
        /// From the first to the last datagram sent, in seconds.
        var seconds = 0.0
        var statistics = DatagramStatistics()
        var replies: ReplyComparison?
        var damage: CaptureError?
        var failure: String?
        var writeFailure: CaptureError?
        var isInterrupted = false
        var skipped = 0
        var shifted: Int64 = 0
        var backwards = 0
        var gapsClamped = 0
    }

    init(_ source: PacedCapture, _ options: Options) throws(DatagramError) {
        eventLoop = try LiveEventLoop()
        self.source = source
        self.options = options
        pacer = Pacer(options.pacing, startingAt: 0)
        matcher = options.rules.map { ReplyMatcher(rules: $0, differencesMax: options.differencesMax) }
        golden = options.golden
    }

    /// Replays until the end of the capture, or until SIGINT or SIGTERM; a second one does not wait for answers.
    func run() throws(DatagramError) -> Outcome {
        try eventLoop.onSignals([.interrupt, .terminate]) { [self] _, _ in interrupt() }
        eventLoop.execute { [self] loop in begin(loop) }
        ended.wait()
        eventLoop.stop()
        return outcome
    }

    private var now: Int64 { loop?.now.nanoseconds ?? 0 }

    private func begin(_ loop: any EventLoop) {
        self.loop = loop
        TimerSlack.minimize()
        start = now
        wallClockOffset = loop.wallClock.nanosecondsSinceEpoch - start
        pacer = Pacer(options.pacing, startingAt: start)
        source.onPass = { [unowned self] in pacer.beginPass() }
        if isTerminal { showProgress() }
        pump()
    }

    // MARK: Sending

    /// The most datagrams sent in one turn of the loop, so that answers are read in between.
    private static let turnMax = 256

    /// Sends what is due, and asks to be called for the next.
    private func pump() {
        guard isSending, !isPumping else { return }
        isPumping = true
        defer { isPumping = false }
        timer = nil
        var budget = Self.turnMax
        while let (item, deadline) = next ?? read() {
            next = (item, deadline)
            switch pacer.decide(deadline, now: now) {
            case .wait(let instant):
                flush()
                timer = loop?.callAt(MonotonicInstant(nanoseconds: instant)) { [self] in pump() }
                return
            case .skip:
                next = nil
            case .send:
                guard let client = client(for: item.flow) else { return finish() }
                // It goes on when the socket can be written again.
                guard !client.isPaused else { return flush() }
                next = nil
                send(item, deadline, by: client)
                budget -= 1
                guard budget > 0 else {
                    flush()
                    timer = loop?.callSoon { [self] in pump() }
                    return
                }
            }
        }
        flush()
        endSending()
    }

    /// The next datagram to be sent; answers on the way there are noted.
    private func read() -> (PacedCapture.Item, Int64)? {
        if options.isComing { flush() }
        do throws(CaptureError) {
            while let item = try source.next() {
                guard item.isAnswer else { return (item, pacer.deadline(of: item.timestamp)) }
                outcome.answersCaptured += 1
                let due = pacer.dueTime(ofAnswerAt: item.timestamp).map { $0 + wallClockOffset }
                matcher?.captured(
                    RawSpan(item.payload.span), clients[item.flow]?.flow ?? item.flow, record: item.record,
                    time: item.timestamp, due: due)
            }
        } catch {
            outcome.damage = error
        }
        return nil
    }

    private func send(_ item: PacedCapture.Item, _ deadline: Int64, by client: ReplayLiveClient) {
        client.transport?.send(RawSpan(item.payload.span))
        if !client.isTouched {
            client.isTouched = true
            touched.append(client)
        }
        outcome.sent += 1
        outcome.bytesSent += item.payload.count
        if options.pacing.pace.hasDeadlines { deadlines.append(deadline) }
        write(RawSpan(item.payload.span), from: item.flow.peer, to: item.flow.local)
    }

    /// Gives what was sent to the kernel; only then is it known how late it was.
    private func flush() {
        guard !touched.isEmpty else { return }
        for client in touched {
            client.transport?.flush()
            client.isTouched = false
        }
        touched.removeAll(keepingCapacity: true)
        let now = now
        for deadline in deadlines { outcome.lateness.record(now - deadline) }
        deadlines.removeAll(keepingCapacity: true)
        outcome.seconds = Double(now - start) / 1e9
    }

    /// A socket can be written again.
    func goOn() {
        guard timer == nil else { return }
        timer = loop?.callSoon { [self] in pump() }
    }

    // MARK: Clients

    /// The client's endpoint, which is opened if there is none; nil when that fails.
    private func client(for flow: ReplyMatcher.Flow) -> ReplayLiveClient? {
        if let client = clients[flow] { return client }
        let client = sockets.count < options.socketsMax ? openClient(flow) : share(flow)
        clients[flow] = client
        return client
    }

    private func openClient(_ flow: ReplyMatcher.Flow) -> ReplayLiveClient? {
        var settings = DatagramOptions()
        settings.batchSize = 16
        if options.usesOriginalSources {
            settings.ip.isTransparent = true
            settings.ip.bindsAnyAddress = true
            settings.reusesPort = true
        }
        let client = ReplayLiveClient(flow, of: self)
        do throws(DatagramError) {
            _ = try eventLoop.connectDatagram(
                to: options.target, from: options.usesOriginalSources ? flow.peer : nil, options: settings
            ) { client }
            sockets.append(client)
            return client
        } catch {
            if error.kind == .tooManyFiles, let shared = share(flow) { return shared }
            outcome.failure = "cannot send from \(flow.peer) to \(options.target): \(error)"
            return nil
        }
    }

    /// One of the sockets there are, for a client beyond their number.
    private func share(_ flow: ReplyMatcher.Flow) -> ReplayLiveClient? {
        guard !options.usesOriginalSources else {
            outcome.failure = "\(flow.peer) is one client more than the \(sockets.count) sockets there may be"
            return nil
        }
        return sockets.isEmpty ? nil : sockets[clients.count % sockets.count]
    }

    /// Takes an answer.
    func take(_ payload: RawSpan, from client: ReplayLiveClient) {
        outcome.answers += 1
        matcher?.sent(payload, client.flow, time: now + wallClockOffset)
        write(payload, from: client.flow.local, to: client.flow.peer)
    }

    private func write(_ payload: RawSpan, from source: SocketAddress, to destination: SocketAddress) {
        guard let golden else { return }
        do throws(CaptureError) {
            try golden.writeDatagram(payload, from: source, to: destination, at: now + wallClockOffset)
        } catch {
            outcome.writeFailure = error
            self.golden = nil
        }
    }

    // MARK: The end

    private func interrupt() {
        guard loop != nil else { return }
        outcome.isInterrupted = true
        if isSending { endSending() } else { finish() }
    }

    /// Nothing more is sent; the last answers are waited for.
    private func endSending() {
        guard isSending else { return }
        isSending = false
        timer?.cancel()
        next = nil
        timer = loop?.callLater(options.drain) { [self] in finish() }
    }

    private func finish() {
        guard loop != nil else { return }
        loop = nil
        isSending = false
        timer?.cancel()
        progress?.cancel()
        for client in sockets {
            if let transport = client.transport { outcome.statistics += transport.statistics }
        }
        outcome.sockets = sockets.count
        outcome.clients = clients.count
        outcome.replies = matcher?.finish()
        (outcome.skipped, outcome.shifted) = (pacer.skipped, pacer.shifted)
        (outcome.backwards, outcome.gapsClamped) = (pacer.backwards, pacer.gapsClamped)
        if isTerminal { Console.show("") }
        ended.signal()
    }

    // MARK: Progress

    private var progress: ScheduledCall?

    /// Says on the terminal how far it has got, from the first second on.
    private func showProgress() {
        progress = loop?.callLater(.milliseconds(outcome.sent == 0 ? 1_000 : 200)) { [self] in
            var text = "replaying: \(outcome.sent.grouped) sent, \(outcome.answers.grouped) answers"
            if source.passes > 1 { text += ", pass \(source.passes)" }
            if let size = options.fileSize, size > 0 { text += ", \(source.byteOffset * 100 / size) % of the file" }
            if outcome.lateness.count > 0 {
                text += ", p99 lateness \(outcome.lateness.quantile(0.99).microseconds) µs"
            }
            Console.show(text)
            showProgress()
        }
    }
}

extension Duration {
    /// In microseconds, to one decimal.
    var microseconds: String { (self / .microseconds(1)).text(1) }
}

/// How much later than asked for the kernel may wake a thread, to save power: 50 µs unless something else is said.
enum TimerSlack {
    /// Makes it as small as can be for the present thread (proc(5), `timerslack_ns`); without effect where that is not
    /// allowed.
    static func minimize() {
        // "1234/task/1235"; the file is in the directory that the thread has as if it were a process.
        var link = [CChar](repeating: 0, count: 64)
        // SAFETY: the call writes no more than the array has, and the last byte stays 0.
        guard unsafe readlink("/proc/thread-self", &link, link.count - 1) > 0 else { return }
        let path = String(decoding: link.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard let thread = path.split(separator: "/").last,
            let file = try? FileDescriptor.open(FilePath("/proc/\(thread)/timerslack_ns"), .writeOnly)
        else { return }
        _ = try? file.closeAfter { try file.writeAll("1".utf8) }
    }
}
