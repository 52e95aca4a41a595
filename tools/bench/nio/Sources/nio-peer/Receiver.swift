import Glibc
import NIOCore

/// What the receiver saw, for the closing report.
struct Totals: Sendable {
    var received = 0
    var sent = 0
    var bytesReceived = 0
    var firstDatagram: ProcessClock?
}

/// Wall clock and CPU times of this process.
struct ProcessClock: Sendable {
    var seconds: Double
    var userSeconds: Double
    var systemSeconds: Double

    static func now() -> ProcessClock {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return ProcessClock(
            seconds: Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9,
            userSeconds: Double(usage.ru_utime.tv_sec) + Double(usage.ru_utime.tv_usec) * 1e-6,
            systemSeconds: Double(usage.ru_stime.tv_sec) + Double(usage.ru_stime.tv_usec) * 1e-6
        )
    }
}

/// Counts every datagram and, as an echo, writes it back and flushes once per read burst: what NIO's documentation shows.
final class Receiver: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    private let echo: Bool
    private(set) var totals = Totals()

    init(echo: Bool) {
        self.echo = echo
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = self.unwrapInboundIn(data)
        if self.totals.firstDatagram == nil { self.totals.firstDatagram = .now() }
        self.totals.received += 1
        self.totals.bytesReceived += envelope.data.readableBytes
        guard self.echo else { return }
        let reply = AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: envelope.data)
        context.write(self.wrapOutboundOut(reply), promise: nil)
        self.totals.sent += 1
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if self.echo { context.flush() }
    }
}
