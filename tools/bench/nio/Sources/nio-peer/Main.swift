import Dispatch
import Glibc
import NIOCore
import NIOPosix

/// A datagram echo or sink on SwiftNIO's `DatagramBootstrap`: one of the receivers Volley is measured against.
@main
enum Main {
    static func main() async throws {
        let options: Options
        do {
            options = try Options(Array(CommandLine.arguments.dropFirst()))
        } catch {
            fail(status: 64, "\(error)")
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let channel = try await bootstrap(options, group: group).bind(host: options.host, port: options.port).get()
        guard let address = channel.localAddress, let host = address.ipAddress, let port = address.port else {
            fail(status: 71, "the channel has no address")
        }
        print("listening on \(host):\(port)")
        fflush(nil)

        await stopRequest(after: options.duration)
        let totals = try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.handler(type: Receiver.self).totals
        }.get()
        try await channel.close()
        report(totals)
        try await group.shutdownGracefully()
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

    /// Returns on SIGTERM, SIGINT or when the time is up.
    private static func stopRequest(after seconds: Double?) async {
        let (stops, continuation) = AsyncStream.makeStream(of: Void.self)
        let sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { continuation.finish() }
            source.resume()
            return source
        }
        if let seconds {
            DispatchQueue.global().asyncAfter(deadline: .now() + seconds) { continuation.finish() }
        }
        for await _ in stops {}
        sources.forEach { $0.cancel() }
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
