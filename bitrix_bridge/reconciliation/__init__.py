"""Compare the orders of both sides one by one, and repair the differences.

A run (`runs`) goes through the site's list and our orders in parallel (`comparing`), saves the differences
(`comparison`), and repairs them by the rules for webhooks (`repair`). Staff decide the differences that no rule covers
(`decisions`). A run works in slices (`slices`), so that the worker can run other tasks in between.
"""
