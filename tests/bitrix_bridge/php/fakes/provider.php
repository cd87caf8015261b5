<?php
/** The fake catalogue for items of a basket: what can be sold, at which price, and what is reserved. */

namespace Bitrix\Catalog\Product {
    class CatalogProvider
    {
    }
}

namespace {
    /** The provider of old items, which is still supported. */
    class CCatalogProductProvider
    {
    }
}

namespace Bitrix\Sale\Internals\Catalog {
    use Bitrix\Main\Application;
    use Bitrix\Sale\BasketItem;
    use Bitrix\Sale\Order;
    use Bitrix\Sale\Result;
    use Bitrix\Sale\ResultWarning;

    class Provider
    {
        const NOT_ENOUGH = 'SALE_PROVIDER_RESERVE_SHIPMENT_ITEM_QUANTITY_NOT_ENOUGH';
        const CLASSES = ['Bitrix\Catalog\Product\CatalogProvider', 'CCatalogProductProvider'];

        /** Return the class that an item names, or null if the class is not known. */
        public static function getProviderName($module, $class)
        {
            $class = ltrim((string)$class, '\\');
            return $module === 'catalog' && in_array($class, self::CLASSES, true) ? $class : null;
        }

        /**
         * Return how much of an item's new quantity can be sold and at which price, or null if nothing can be sold.
         *
         * An item without a provider is not checked: any quantity can be sold, and no price is returned. QUANTITY is
         * the free stock, without reservations. The pieces that are reserved for this item count as free for it. The
         * stock is only counted if QUANTITY_TRACE is Y and CAN_BUY_ZERO is N.
         */
        public static function getAvailableQuantityAndPriceByBasketItem(BasketItem $item)
        {
            $quantity = (float)$item->getField('QUANTITY');
            if ($item->getProvider() === null) {
                return ['AVAILABLE_QUANTITY' => $quantity];
            }
            $product = self::product($item->getProductId());
            if (!$product) {
                return null;
            }
            $price = (float)$product['PRICE'];
            $data = ['PRICE_DATA' => ['PRICE' => $price, 'BASE_PRICE' => $price, 'DISCOUNT_PRICE' => 0]];
            $isCounted = $product['QUANTITY_TRACE'] === 'Y' && $product['CAN_BUY_ZERO'] !== 'Y';
            $free = (float)$product['QUANTITY'] + $item->getReservedQuantity();
            return $data + ['AVAILABLE_QUANTITY' => $isCounted ? min($quantity, $free) : $quantity];
        }

        /** Return an active product of the catalogue. */
        private static function product($id)
        {
            return Application::getConnection()->one(
                'SELECT p.QUANTITY, p.QUANTITY_TRACE, p.CAN_BUY_ZERO, c.PRICE FROM b_catalog_product p'
                . " INNER JOIN b_iblock_element e ON e.ID = p.ID AND e.ACTIVE = 'Y'"
                . ' LEFT JOIN b_catalog_price c ON c.PRODUCT_ID = p.ID AND c.CATALOG_GROUP_ID = 1'
                . ' WHERE p.ID = ?',
                [$id]
            );
        }

        /**
         * Move pieces between the free and the reserved stock, and remove shipped pieces from both. This runs before an
         * order is saved.
         */
        public static function save(Order $order)
        {
            $result = new Result();
            foreach ($order->takeReleased() as $productId => $quantity) {
                self::reserve($productId, -$quantity);
            }
            foreach ($order->getShipmentCollection() as $shipment) {
                foreach ($shipment->getShipmentItemCollection() as $item) {
                    $basketItem = $item->getBasketItem();
                    if (!$basketItem || $basketItem->getProvider() === null) {
                        continue;
                    }
                    $productId = $basketItem->getProductId();
                    if ($shipment->isShippedOtherwise()) {
                        $left = self::ship($productId, $item, $shipment->isShipped());
                        $item->setFieldNoDemand('RESERVED_QUANTITY', $left);
                    }
                    if ($shipment->isShipped()) {
                        continue;
                    }
                    $wanted = $order->isReserving() ? $item->getQuantity() : 0.0;
                    $present = $item->getReservedQuantity();
                    $moved = self::reserve($productId, $wanted - $present);
                    $item->setFieldNoDemand('RESERVED_QUANTITY', $present + $moved['quantity']);
                    if ($moved['isShort']) {
                        $text = 'Недостаточное количество товара "' . $basketItem->getField('NAME') . '"';
                        $result->addWarning(new ResultWarning($text, self::NOT_ENOUGH));
                    }
                }
                $shipment->updateReservedFlag();
            }
            return $result;
        }

        /**
         * Reserve pieces, or release them if the quantity is negative. The stock of an uncounted product does not
         * change.
         */
        private static function reserve($productId, $quantity)
        {
            $product = self::stock($productId);
            if (!$product || $product['QUANTITY_TRACE'] !== 'Y' || abs($quantity) < 1e-6) {
                return ['quantity' => 0.0, 'isShort' => false];
            }
            $isShort = $quantity > 0 && $product['CAN_BUY_ZERO'] !== 'Y' && (float)$product['QUANTITY'] < $quantity;
            $quantity = $isShort ? max((float)$product['QUANTITY'], 0.0) : $quantity;
            self::move($productId, -$quantity, $quantity);
            return ['quantity' => $quantity, 'isShort' => $isShort];
        }

        /**
         * Ship the pieces of an item, or take them back into the stock. Return the remaining reservation of the item.
         */
        private static function ship($productId, $item, $isOut)
        {
            $product = self::stock($productId);
            if (!$product || $product['QUANTITY_TRACE'] !== 'Y') {
                return 0.0;
            }
            if (!$isOut) {
                self::move($productId, 0.0, $item->getQuantity());
                return $item->getQuantity();
            }
            self::move($productId, $item->getReservedQuantity() - $item->getQuantity(), -$item->getReservedQuantity());
            return 0.0;
        }

        private static function stock($productId)
        {
            $sql = 'SELECT QUANTITY, QUANTITY_TRACE, CAN_BUY_ZERO FROM b_catalog_product WHERE ID = ?';
            return Application::getConnection()->one($sql, [$productId]);
        }

        private static function move($productId, $free, $reserved)
        {
            Application::getConnection()->change(
                'UPDATE b_catalog_product SET QUANTITY = QUANTITY + ?, QUANTITY_RESERVED = QUANTITY_RESERVED + ?'
                . ' WHERE ID = ?',
                [$free, $reserved, $productId]
            );
        }
    }
}
