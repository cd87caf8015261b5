<?php
/** The fake base class of the collections of an order's parts. */

namespace Bitrix\Sale;

use Bitrix\Main\Application;

class Collection implements \IteratorAggregate, \Countable
{
    protected $order;
    protected $items = [];
    private $isAnyDeleted = false;

    public function __construct(Order $order = null)
    {
        $this->order = $order;
    }

    #[\ReturnTypeWillChange]
    public function getIterator()
    {
        return new \ArrayIterator($this->items);
    }

    #[\ReturnTypeWillChange]
    public function count()
    {
        return count($this->items);
    }

    public function getOrder()
    {
        return $this->order;
    }

    public function getItemById($id)
    {
        foreach ($this->items as $item) {
            if ($item->getId() === (int)$id) {
                return $item;
            }
        }
        return null;
    }

    public function add($item)
    {
        $this->items[] = $item;
        return $item;
    }

    public function remove($item)
    {
        $this->items = array_values(array_filter($this->items, function ($other) use ($item) {
            return $other !== $item;
        }));
        $this->isAnyDeleted = true;
    }

    /** Return whether an item has changed. After a deletion, this is true for the lifetime of the object. */
    public function isChanged()
    {
        foreach ($this->items as $item) {
            if ($item->isChanged()) {
                return true;
            }
        }
        return $this->isAnyDeleted;
    }

    public function clearChanged()
    {
        foreach ($this->items as $item) {
            $item->clearChanged();
        }
    }

    /** Delete the rows that have no item any more, and return them. */
    protected function deleteRest($table, $column, $value)
    {
        $connection = Application::getConnection();
        $gone = [];
        foreach ($connection->all("SELECT * FROM `$table` WHERE $column = ?", [$value]) as $row) {
            if (!$this->getItemById($row['ID'])) {
                $connection->change("DELETE FROM `$table` WHERE ID = ?", [$row['ID']]);
                $gone[] = $row;
            }
        }
        return $gone;
    }
}
