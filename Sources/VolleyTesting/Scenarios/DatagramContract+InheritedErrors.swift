internal import SystemPackage

extension DatagramContract {
    static let inheritedErrors: [DatagramScenario] = [
        DatagramScenario(
            "an error inherited from an earlier datagram is reported and costs nothing", ["D30", "D31", "D92"],
            needs: .sendFaults
        ) { run in
            try run.open()
            run.faults.sendScript = [.fail(.connectionRefused)]
            run.send("a", "b", "c", "d")
            run.settle()
            try run.expectEqual(run.arrivals(), ["a", "b", "c", "d"], "arrivals")
            try run.expectInherited([.connectionRefused])
            try run.expectBalance(submitted: 4)
        },
        DatagramScenario("an inherited error in mid-batch is reported and costs nothing", needs: .sendFaults) { run in
            try run.open()
            run.faults.sendScript = [.take(2), .fail(.noRouteToHost), .take(1), .fail(.connectionRefused)]
            run.send("a", "b", "c", "d")
            run.settle()
            try run.expectEqual(run.arrivals(), ["a", "b", "c", "d"], "arrivals")
            try run.expectInherited([.noRouteToHost, .connectionRefused])
            try run.expectBalance(submitted: 4)
        },
        DatagramScenario(
            "an inherited error in the drain is reported and costs nothing", ["D40", "D41"], needs: .sendFaults
        ) { run in
            try run.open()
            run.block(with: "a", "b", "c")
            run.faults.sendScript = [.fail(.connectionRefused), .take(1), .fail(.connectionRefused)]
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals(), ["a", "b", "c"], "arrivals")
            try run.expectInherited([.connectionRefused, .connectionRefused])
            try run.expectBalance(submitted: 3)
        },
        DatagramScenario(
            "an inherited error before a send that blocks is reported once, and costs nothing", needs: .sendFaults
        ) { run in
            try run.open()
            run.faults.sendScript = [.fail(.connectionRefused), .block]
            run.send("a", "b")
            run.settle()
            try run.expectEqual(run.arrivals(), ["a", "b"], "arrivals")
            try run.expectInherited([.connectionRefused])
            try run.expectBalance(submitted: 2)
        },
        DatagramScenario("two inherited errors in a row are both reported, and cost nothing", needs: .sendFaults) {
            run in
            try run.open()
            run.faults.sendScript = [.fail(.connectionRefused), .fail(.noRouteToHost)]
            run.send("a", "b")
            run.settle()
            try run.expectEqual(run.arrivals(), ["a", "b"], "arrivals")
            try run.expectInherited([.connectionRefused, .noRouteToHost])
            try run.expectBalance(submitted: 2)
        },
        DatagramScenario("the same error on the second try is the datagram's own", needs: .sendFaults) { run in
            try run.open()
            run.faults.sendScript = [.fail(.notPermitted), .fail(.notPermitted)]
            run.send("a", "b")
            run.settle()
            try run.expectEqual(run.arrivals(), ["b"], "arrivals")
            try run.expectEqual(run.errors.count, 1, "errors")
            if let error = run.errors.first { try run.expectOwn(error, .notPermitted, peer: 0) }
            try run.expectBalance(submitted: 2)
        },
        DatagramScenario("errors without end are not tried without end", needs: .sendFaults) { run in
            try run.open()
            run.faults.sendScript = (0..<5_000).map {
                .fail($0.isMultiple(of: 2) ? .connectionRefused : .noRouteToHost)
            }
            run.send("a", "b", "c")
            run.settle()
            try run.expect(
                run.faults.sendAttempts.count <= 3 * 16,
                "at most 16 tries a datagram, not \(run.faults.sendAttempts.count)")
            try run.expectEqual(run.statistics.failedDropped, 3, "dropped for an error")
            run.faults.sendScript = []
            run.send("d")
            run.settle()
            try run.expectEqual(run.arrivals(), ["d"], "arrivals")
            try run.expectBalance(submitted: 4)
        },
    ]
}
