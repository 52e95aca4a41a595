import Glibc
import NIOCore
import NIOPosix

/// A datagram echo or sink on SwiftNIO's `DatagramBootstrap`: one of the receivers Volley is measured against.
///
/// No `async` and no Dispatch: the main thread only waits for a signal, so that the loop's thread is all that is
/// measured (and so that valgrind 3.19, which cannot start Dispatch's threads, can run it).
@main
enum Main {
    static func main() throws {
        let options: Options
        do {
            options = try Options(Array(CommandLine.arguments.dropFirst()))
        } catch {
            fail(status: 64, "\(error)")
        }
        let signals = StopSignals()  // before any thread starts, so that all of them leave the signals to this one
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let channel = try bootstrap(options, group: group).bind(host: options.host, port: options.port).wait()
        guard let address = channel.localAddress, let host = address.ipAddress, let port = address.port else {
            fail(status: 71, "the channel has no address")
        }
        print("listening on \(host):\(port)")
        fflush(nil)

        signals.wait(seconds: options.duration)
        let totals = try channel.eventLoop.submit {
            try channel.pipeline.syncOperations.handler(type: Receiver.self).totals
        }.wait()
        report(totals)
        try channel.close().wait()
        try group.syncShutdownGracefully()
    }

    private static func fail(status: Int32, _ problem: String) -> Never {
        let line = Array("nio-peer: \(problem)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
        exit(status)
    }

    private static func bootstrap(_ options: Options, group: any EventLoopGroup) -> DatagramBootstrap {
        let bootstrap = DatagramBootstrap(group: group).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(Receiver(echo: options.echo))
            }
        }
        guard options.vectorReads > 0 else { return bootstrap }
        let slotBytes = 2_048
        return
            bootstrap
            .channelOption(.datagramVectorReadMessageCount, value: options.vectorReads)
            .channelOption(
                .recvAllocator,
                value: FixedSizeRecvByteBufferAllocator(capacity: options.vectorReads * slotBytes)
            )
    }

    private static func report(_ totals: Totals) {
        let end = ProcessClock.now()
        let start = totals.firstDatagram ?? end
        print(
            """
            {"received": \(totals.received), "sent": \(totals.sent), "bytesReceived": \(totals.bytesReceived), \
            "seconds": \(end.seconds - start.seconds), "userSeconds": \(end.userSeconds - start.userSeconds), \
            "systemSeconds": \(end.systemSeconds - start.systemSeconds), "cpuScope": "since first datagram"}
            """
        )
        fflush(nil)
    }
}
